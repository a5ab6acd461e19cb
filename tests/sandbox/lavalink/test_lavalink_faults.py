"""Tracks that fail in play, and a server that goes away."""

import asyncio
from pathlib import Path

import aiohttp
import pytest

from sandbox.lavalink import LavalinkStandIn
from tests.sandbox.lavalink.client import VOICE, LavalinkClient
from tests.silence import write_silence


async def test_media_that_answers_404_gives_an_exception_and_load_failed(
    client: LavalinkClient, lavalink: LavalinkStandIn
) -> None:
    await client.update(1, voice=VOICE, track={"identifier": "fail404"})
    exception = await client.until("TrackExceptionEvent")
    assert exception["exception"]["message"] == "Something broke when playing the track."
    assert exception["exception"]["severity"] == "fault"
    assert exception["exception"]["cause"].endswith("Not success status code: 404")
    end = await client.until("TrackEndEvent")
    assert client.messages.index(exception) < client.messages.index(end)
    assert end["reason"] == "loadFailed"
    assert lavalink.account.plays[0].sent_ms == 0


async def test_without_voice_a_failing_track_stays(client: LavalinkClient) -> None:
    await client.update(1, track={"identifier": "fail404"})
    await client.until("TrackExceptionEvent")
    await asyncio.sleep(0.1)
    assert (await client.player())["track"]["info"]["title"] == "fail404"
    assert "TrackEndEvent" not in client.kinds()


async def test_damage_in_the_middle_gives_an_exception_at_once_and_finished_later(
    client: LavalinkClient, lavalink: LavalinkStandIn
) -> None:
    await client.update(1, voice=VOICE, track={"identifier": "fail-midway"})
    await client.until("TrackExceptionEvent")
    assert "TrackEndEvent" not in client.kinds()
    assert (await client.until("TrackEndEvent"))["reason"] == "finished"
    assert lavalink.account.plays[0].sent_ms == 1500


async def test_a_stuck_track_is_reported_and_not_ended(client: LavalinkClient, lavalink: LavalinkStandIn) -> None:
    await client.update(1, voice=VOICE, track={"identifier": "stuck"})
    stuck = await client.until("TrackStuckEvent")
    update = await client.until("playerUpdate", lambda message: message["state"]["position"] == 980)
    assert client.messages.index(stuck) < client.messages.index(update)
    assert stuck["thresholdMs"] == 200
    assert stuck["track"]["info"]["position"] == 980
    assert (await client.player())["track"] is not None
    await client.update(1, volume=50)
    await asyncio.sleep(0.3)  # longer than the threshold
    assert client.kinds().count("TrackStuckEvent") == 1
    await client.update(1, track={"encoded": None})
    assert (await client.until("TrackEndEvent"))["reason"] == "stopped"
    assert lavalink.account.plays[0].sent_ms == 1000


async def test_a_live_stream_has_no_end(client: LavalinkClient) -> None:
    body = (await client.update(1, voice=VOICE, track={"identifier": "livestream"})).body
    info = body["track"]["info"]
    assert (info["isStream"], info["isSeekable"], info["length"]) == (True, False, 9223372036854775807)
    await asyncio.sleep(0.1)
    assert (await client.player())["state"]["position"] > 0


async def test_an_m3u_finishes_after_one_frame(client: LavalinkClient, lavalink: LavalinkStandIn) -> None:
    await client.update(1, voice=VOICE, track={"identifier": lavalink.file_url("list.m3u")})
    assert (await client.until("TrackEndEvent"))["reason"] == "finished"
    assert lavalink.account.plays[0].sent_ms == 20


async def test_a_file_that_was_deleted_since_it_was_found_fails_in_play(tmp_path: Path) -> None:
    file = write_silence(tmp_path / "gone.wav", 500)
    async with LavalinkStandIn(music=tmp_path) as lavalink, LavalinkClient(lavalink) as client:
        encoded = (await client.load(lavalink.file_url("gone.wav")))["data"]["encoded"]
        file.unlink()
        await client.update(1, voice=VOICE, track={"encoded": encoded})
        assert (await client.until("TrackEndEvent"))["reason"] == "loadFailed"


async def test_a_crash_cuts_without_a_close_frame_and_refuses_until_up_on_the_same_port(
    client: LavalinkClient, lavalink: LavalinkStandIn
) -> None:
    await client.update(1, voice=VOICE, track={"identifier": lavalink.file_url("long.wav")})
    port = lavalink.port
    await lavalink.down()
    await client.until("closed")
    assert client.close_code == 1006
    with pytest.raises(aiohttp.ClientConnectorError):
        await client.get("/version")
    assert lavalink.players() == []
    assert lavalink.account.plays[0].end_reason == "down"
    await lavalink.up()
    assert lavalink.port == port
    assert (await client.get(client.path(1))).status == 404
    before = client.session_id
    assert (await client.connect(**{"Session-Id": before}))["resumed"] is False


async def test_a_graceful_stop_closes_with_1001(client: LavalinkClient, lavalink: LavalinkStandIn) -> None:
    await lavalink.stop_gracefully()
    await client.until("closed")
    assert client.close_code == 1001
    assert not lavalink.running


async def test_by_chance_a_stop_ends_a_connection_without_a_close_frame(music: Path) -> None:
    codes: set[int | None] = set()
    for seed in range(6):
        async with LavalinkStandIn(music=music, seed=seed) as lavalink, LavalinkClient(lavalink) as client:
            await lavalink.stop_gracefully()
            await client.until("closed")
            codes.add(client.close_code)
    assert codes == {1001, 1006}


async def test_a_request_in_flight_breaks_when_the_server_crashes(
    client: LavalinkClient, lavalink: LavalinkStandIn
) -> None:
    lavalink.hang("/v4/stats")
    waiting = asyncio.create_task(client.get("/v4/stats"))
    await lavalink.until(lambda: lavalink.requests[-1].path == "/v4/stats")
    await lavalink.down()
    with pytest.raises(aiohttp.ClientError):
        await waiting


async def test_half_open_it_takes_everything_and_says_nothing(
    client: LavalinkClient, lavalink: LavalinkStandIn
) -> None:
    await client.update(1)
    del client.messages[:]
    lavalink.halfopen()
    waiting = asyncio.create_task(client.update(1, track={"identifier": lavalink.file_url("long.wav")}))
    await lavalink.until(lambda: lavalink.requests[-1].method == "PATCH")
    lavalink.clean_up(1)
    await asyncio.sleep(0.05)
    assert not waiting.done()
    assert client.messages == []
    await lavalink.up()
    assert (await waiting).status == 200
    await client.until("TrackStartEvent")


async def test_a_source_refuses_so_many_look_ups(client: LavalinkClient, lavalink: LavalinkStandIn) -> None:
    lavalink.ratelimit(2)
    kinds = [(await client.load("ytsearch:short"))["loadType"] for _ in range(3)]
    assert kinds == ["error", "error", "search"]


async def test_by_chance_the_same_look_ups_are_refused_again(client: LavalinkClient, lavalink: LavalinkStandIn) -> None:
    runs: list[list[str]] = []
    for _ in range(2):
        lavalink.ratelimit(3, seed=1)
        runs.append([(await client.load("ytsearch:short"))["loadType"] for _ in range(12)])
    assert runs[0] == runs[1]
    assert runs[0].count("error") == 3
    assert runs[0][:3] != ["error"] * 3


async def test_one_event_is_lost_and_the_next_is_not(client: LavalinkClient, lavalink: LavalinkStandIn) -> None:
    lavalink.drop_event("TrackEndEvent")
    for _ in range(2):
        await client.update(1, track={"identifier": lavalink.file_url("long.wav")})
        await client.update(1, track={"encoded": None})
    await client.until("TrackEndEvent")
    assert [kind for kind in client.kinds() if kind.startswith("Track")] == [
        "TrackStartEvent",
        "TrackStartEvent",
        "TrackEndEvent",
    ]
    with pytest.raises(ValueError, match="no 'Nonsense'"):
        lavalink.drop_event("Nonsense")


async def test_waiting_for_what_never_comes_times_out(lavalink: LavalinkStandIn) -> None:
    with pytest.raises(TimeoutError):
        await lavalink.until(lambda: False, timeout=0.01)
