"""Seeks: where they lead, and when they show."""

import asyncio
from pathlib import Path

from sandbox.lavalink import LavalinkStandIn
from tests.sandbox.lavalink.client import VOICE, LavalinkClient


async def test_a_seek_goes_on_from_there(client: LavalinkClient, lavalink: LavalinkStandIn) -> None:
    await client.update(1, voice=VOICE, track={"identifier": lavalink.file_url("long.wav")})
    await client.update(1, position=30_000)
    update = await client.until("playerUpdate", lambda message: message["state"]["position"] >= 30_000)
    assert update["state"]["connected"] is True
    await asyncio.sleep(0.2)
    assert 30_000 <= (await client.player())["state"]["position"] <= 31_000
    assert lavalink.account.plays[0].sent_ms < 2000
    assert (await client.update(1, position=-5)).body["state"]["position"] == 0
    await asyncio.sleep(0.1)
    assert 0 <= (await client.player())["state"]["position"] < 1000


async def test_by_chance_a_seek_s_answer_still_shows_the_old_place(music: Path) -> None:
    async with LavalinkStandIn(music=music, seed=1) as lavalink, LavalinkClient(lavalink) as client:
        await client.update(1, track={"identifier": lavalink.file_url("long.wav")})
        shown = {(await client.update(1, position=at)).body["state"]["position"] for at in range(1000, 13_000, 1000)}
    # Without voice the old place is always the start.
    assert 0 in shown
    assert len(shown) > 3


async def test_a_seek_beyond_the_end_finishes_only_with_voice(
    client: LavalinkClient, lavalink: LavalinkStandIn
) -> None:
    await client.update(1, track={"identifier": lavalink.file_url("long.wav")})
    assert (await client.update(1, position=500_000)).body["state"]["position"] == 500_000
    await asyncio.sleep(0.05)
    assert (await client.player())["track"]["info"]["position"] == 500_000
    await client.update(1, voice=VOICE)
    end = await client.until("TrackEndEvent")
    assert end["reason"] == "finished"
    assert end["track"]["info"]["position"] < 60_000


async def test_without_voice_a_seek_shows_for_a_moment_only(client: LavalinkClient, lavalink: LavalinkStandIn) -> None:
    await client.update(1, track={"identifier": lavalink.file_url("long.wav")})
    assert (await client.update(1, position=30_000)).body["state"]["position"] == 30_000
    await asyncio.sleep(0.05)
    assert (await client.player())["state"]["position"] == 0


async def test_a_seek_without_a_track_changes_nothing(client: LavalinkClient) -> None:
    assert (await client.update(1, position=1000)).body["state"]["position"] == 0
