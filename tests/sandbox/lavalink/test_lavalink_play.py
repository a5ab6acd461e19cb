"""Playing by the clock: positions, ends, and what is accounted for."""

import asyncio
from pathlib import Path

import pytest

from sandbox.lavalink import LavalinkStandIn
from tests.sandbox.lavalink.client import VOICE, LavalinkClient

UNSET_VOICE = {"token": "", "endpoint": "", "sessionId": "", "channelId": None}


async def test_without_voice_the_position_never_moves(client: LavalinkClient, lavalink: LavalinkStandIn) -> None:
    await client.update(1, track={"identifier": lavalink.file_url("untagged.wav")})
    await asyncio.sleep(0.7)  # longer than the track
    player = await client.player()
    assert player["track"]["info"]["position"] == player["state"]["position"] == 0
    assert "TrackEndEvent" not in client.kinds()
    assert lavalink.account.plays[0].sent_ms == 0


async def test_with_voice_a_track_finishes_a_buffer_before_its_length(
    client: LavalinkClient, lavalink: LavalinkStandIn
) -> None:
    await client.update(1, voice=VOICE)
    started = asyncio.get_running_loop().time()
    await client.update(1, track={"identifier": lavalink.file_url("second.wav"), "userData": {"play": 7}})
    end = await client.until("TrackEndEvent")
    took = asyncio.get_running_loop().time() - started
    assert end["reason"] == "finished"
    assert end["track"]["info"]["position"] == 980
    assert end["track"]["userData"] == {"play": 7}
    assert 0.7 <= took < 1.0
    play = lavalink.account.plays[0]
    assert (play.sent_ms, play.heard_ms, play.end_reason) == (1000, 1000, "finished")
    assert (play.guild_id, play.title, play.user_data) == (1, "Second", {"play": 7})
    assert (await client.player())["track"] is None


async def test_a_play_gives_a_start_two_updates_and_the_answer(
    client: LavalinkClient, lavalink: LavalinkStandIn
) -> None:
    del client.messages[:]
    await client.update(1, track={"identifier": lavalink.file_url("long.wav")})
    await client.until("answer")
    assert sorted(client.kinds()) == ["TrackStartEvent", "answer", "playerUpdate", "playerUpdate"]


async def _whole_play(client: LavalinkClient, guild_id: int, url: str) -> list[str]:
    del client.messages[:]
    await client.update(guild_id, track={"identifier": url})
    await client.until("TrackStartEvent")
    await client.until("playerUpdate", lambda _: client.kinds().count("playerUpdate") == 2)
    return client.kinds()


async def test_chance_puts_start_updates_and_answer_in_any_order(music: Path) -> None:
    orders: list[list[str]] = []
    async with LavalinkStandIn(music=music, seed=3) as lavalink, LavalinkClient(lavalink) as client:
        await client.until("stats")
        url = lavalink.file_url("long.wav")
        for guild_id in range(20):
            orders.append(await _whole_play(client, guild_id, url))
            kinds = await _whole_play(client, guild_id, url)
            assert kinds.index("TrackEndEvent") < kinds.index("TrackStartEvent")
    firsts, lasts = ({order[at] for order in orders} for at in (0, -1))
    assert firsts == lasts == {"TrackStartEvent", "playerUpdate", "answer"}


async def test_replacing_ends_the_old_track_before_the_new_one_starts(
    client: LavalinkClient, lavalink: LavalinkStandIn
) -> None:
    await client.update(1, track={"identifier": lavalink.file_url("long.wav")})
    del client.messages[:]
    await client.update(1, track={"identifier": lavalink.file_url("short.wav")})
    end = await client.until("TrackEndEvent")
    start = await client.until("TrackStartEvent")
    assert client.messages.index(end) < client.messages.index(start)
    assert end["reason"] == "replaced"
    assert (end["track"]["info"]["title"], start["track"]["info"]["title"]) == (
        "Long Morning",
        "Morning Short",
    )


async def test_a_pause_holds_the_position_and_counts_nothing(client: LavalinkClient, lavalink: LavalinkStandIn) -> None:
    await client.update(1, voice=VOICE, track={"identifier": lavalink.file_url("long.wav")})
    await asyncio.sleep(0.2)
    paused = (await client.update(1, paused=True)).body
    assert paused["paused"] is True
    assert paused["state"]["position"] > 200
    await asyncio.sleep(0.3)
    assert (await client.player())["state"]["position"] == paused["state"]["position"]
    await client.update(1, paused=False)
    await asyncio.sleep(0.2)
    sent = lavalink.account.plays[0].sent_ms
    # The buffer ran dry in the pause and is filled again.
    assert paused["state"]["position"] + 400 <= sent <= paused["state"]["position"] + 700


async def test_a_start_position_is_counted_off(client: LavalinkClient, lavalink: LavalinkStandIn) -> None:
    url = lavalink.file_url("long.wav")
    body = (await client.update(1, voice=VOICE, track={"identifier": url}, position=59_500)).body
    assert body["state"]["position"] == 59_500
    assert (await client.until("TrackEndEvent"))["reason"] == "finished"
    assert lavalink.account.plays[0].sent_ms == 500


async def test_an_end_time_finishes_and_one_that_passed_never_fires(
    client: LavalinkClient, lavalink: LavalinkStandIn
) -> None:
    url = lavalink.file_url("long.wav")
    await client.update(1, voice=VOICE, track={"identifier": url}, endTime=500)
    end = await client.until("TrackEndEvent")
    assert (end["reason"], end["track"]["info"]["position"]) == ("finished", 480)
    await client.update(1, track={"identifier": url}, position=10_000)
    while not lavalink.account.plays[-1].sent_ms:
        await asyncio.sleep(0.01)
    await client.update(1, endTime=9000)
    await asyncio.sleep(0.1)
    assert (await client.player())["track"] is not None


async def test_double_speed_uses_the_track_up_twice_as_fast_and_positions_are_not_scaled(
    client: LavalinkClient, lavalink: LavalinkStandIn
) -> None:
    await client.update(1, voice=VOICE, filters={"timescale": {"speed": 2.0}})
    await client.update(1, track={"identifier": lavalink.file_url("second.wav")})
    end = await client.until("TrackEndEvent")
    assert end["track"]["info"]["position"] == 480
    assert lavalink.account.plays[0].sent_ms == 500


async def test_no_replace_blocks_track_and_position_only(client: LavalinkClient, lavalink: LavalinkStandIn) -> None:
    await client.update(1, track={"identifier": lavalink.file_url("long.wav")})
    other = {"identifier": lavalink.file_url("short.wav")}
    body = (await client.update(1, "true", track=other, position=5000, volume=33)).body
    assert body["track"]["info"]["title"] == "Long Morning"
    assert (body["volume"], body["state"]["position"]) == (33, 0)
    assert (await client.update(1, "TRUE", track={"encoded": None})).body["track"] is not None
    assert (await client.update(1, "banana")).status == 400
    assert "TrackEndEvent" not in client.kinds()


async def test_a_new_track_unpauses_and_keeps_volume_and_filters(
    client: LavalinkClient, lavalink: LavalinkStandIn
) -> None:
    await client.update(1, paused=True, volume=42, filters={"volume": 0.5})
    url = lavalink.file_url("long.wav")
    body = (await client.update(1, track={"identifier": url})).body
    assert (body["paused"], body["volume"], body["filters"]) == (False, 42, {"volume": 0.5})
    assert (await client.update(1, track={"identifier": url}, paused=True)).body["paused"] is True


async def test_user_data_updates_live_and_is_reset_by_a_new_play(
    client: LavalinkClient, lavalink: LavalinkStandIn
) -> None:
    url = lavalink.file_url("long.wav")
    await client.update(1, track={"identifier": url, "userData": {"a": [1, None, "é"]}})
    assert (await client.update(1, track={"userData": {"b": 2}})).body["track"]["userData"] == {"b": 2}
    assert (await client.update(1, track={"identifier": url})).body["track"]["userData"] == {}
    end = await client.until("TrackEndEvent")
    assert end["track"]["userData"] == {"b": 2}
    assert [play.user_data for play in lavalink.account.of(1)] == [{"b": 2}, {}]


async def test_stop_and_delete_end_with_stopped_and_delete_resets(
    client: LavalinkClient, lavalink: LavalinkStandIn
) -> None:
    url = lavalink.file_url("long.wav")
    await client.update(1, track={"identifier": url}, volume=5)
    assert (await client.update(1, track={"encoded": None})).body["track"] is None
    assert (await client.until("TrackEndEvent"))["reason"] == "stopped"
    del client.messages[:]
    await client.update(1, track={"identifier": url})
    assert (await client.delete()).status == 204
    assert (await client.until("TrackEndEvent"))["reason"] == "stopped"
    assert (await client.update(1)).body["volume"] == 100


async def test_updates_come_every_five_seconds_from_the_start_and_never_when_idle(
    client: LavalinkClient, lavalink: LavalinkStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.lavalink.player.UPDATE_INTERVAL_S", 0.05)
    await client.update(1, track={"identifier": lavalink.file_url("long.wav")}, paused=True)
    await asyncio.sleep(0.28)
    assert 6 <= client.kinds().count("playerUpdate") <= 8
    await client.update(1, track={"encoded": None})
    await client.until("TrackEndEvent")
    seen = client.kinds().count("playerUpdate")
    await asyncio.sleep(0.15)
    assert client.kinds().count("playerUpdate") == seen


async def test_a_track_can_be_cleaned_up(client: LavalinkClient, lavalink: LavalinkStandIn) -> None:
    await client.update(1, track={"identifier": lavalink.file_url("long.wav")})
    lavalink.clean_up(1)
    assert (await client.until("TrackEndEvent"))["reason"] == "cleanup"


async def test_a_track_of_another_time_is_played_from_its_encoded_form(
    client: LavalinkClient, lavalink: LavalinkStandIn
) -> None:
    track = (await client.load(lavalink.file_url("short.wav")))["data"]
    await client.update(1, voice=VOICE, encodedTrack=track["encoded"])
    assert (await client.until("TrackEndEvent"))["reason"] == "finished"
    assert (await client.update(1, track={"encoded": "!!!"})).status == 500


async def test_a_thousand_players_run_at_once(lavalink: LavalinkStandIn, client: LavalinkClient) -> None:
    track = (await client.load(lavalink.file_url("short.wav")))["data"]["encoded"]
    guilds = range(1, 1001)
    async with asyncio.timeout(20):
        for start in range(0, 1000, 50):
            chunk = guilds[start : start + 50]
            await asyncio.gather(*(client.update(id, voice=VOICE, track={"encoded": track}) for id in chunk))
        await lavalink.until(lambda: not any(player.current for player in lavalink.players()), 20)
    plays = lavalink.account.plays
    assert len(plays) == 1000
    assert {(play.sent_ms, play.end_reason) for play in plays} == {(600, "finished")}
