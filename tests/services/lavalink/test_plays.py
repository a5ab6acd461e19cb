"""What is recorded of plays, against what the node says that it sent."""

from __future__ import annotations

import asyncio

import pytest
import wavelink

from sandbox.lavalink import LavalinkStandIn
from services.errors import UserError
from tests.services.lavalink.world import FakeChannel, MusicWorld, guild_of, until


def assert_balanced(world: MusicWorld, lavalink: LavalinkStandIn) -> None:
    """What was recorded as heard is what the node sent, play by play, within a second."""
    sent: dict[object, int] = {}
    for play in lavalink.account.plays:
        play_id = play.user_data.get("play_id")
        sent[play_id] = sent.get(play_id, 0) + play.heard_ms
    for row in world.ended():
        assert row.played_ms is not None
        assert abs(row.played_ms - sent[row.event_id]) < 1_000, (row, sent)


async def test_a_queue_plays_to_its_end(world: MusicWorld, lavalink: LavalinkStandIn) -> None:
    await world.play("short", "brief")
    await until(lambda: len(world.ended()) == 2)
    assert [(row.end_reason, row.played_ms) for row in world.rows()] == [("finished", 700), ("finished", 900)]
    assert [row.requested_by for row in world.rows()] == ["Alice", "Alice"]
    assert world.session is None
    assert_balanced(world, lavalink)


async def test_a_pause_is_recorded_at_once_and_is_not_heard(world: MusicWorld, lavalink: LavalinkStandIn) -> None:
    player = await world.play("long")
    await asyncio.sleep(0.5)
    await player.pause(True)
    assert world.session
    assert not world.session.is_playing
    place = world.session.position_ms
    assert 300 < place < 900
    await asyncio.sleep(1.2)
    await player.pause(False)
    assert world.session.is_playing
    assert abs(world.session.position_ms - place) < 50
    await asyncio.sleep(0.3)
    await player.stop_playing()
    assert [row.end_reason for row in world.rows()] == ["stopped"]
    assert world.session is None
    assert_balanced(world, lavalink)
    assert (world.rows()[0].played_ms or 0) < 1_700


async def test_seeks_are_not_heard(world: MusicWorld, lavalink: LavalinkStandIn) -> None:
    player = await world.play("long")
    for place in (30_000, 10_000, 50_000):
        await asyncio.sleep(0.2)
        await player.seek(place)
        assert world.session
        assert abs(world.session.position_ms - place) < 200
    await asyncio.sleep(0.2)
    await player.stop_playing()
    assert_balanced(world, lavalink)
    assert (world.rows()[0].played_ms or 0) < 1_500


async def test_a_skip_while_paused_plays_on(world: MusicWorld, lavalink: LavalinkStandIn) -> None:
    player = await world.play("long", "brief")
    await player.pause(True)
    await player.skip_current()
    await until(lambda: len(world.ended()) == 2)
    assert [row.end_reason for row in world.rows()] == ["skipped", "finished"]
    assert_balanced(world, lavalink)


async def test_two_members_who_skip_at_once_skip_one_track(world: MusicWorld) -> None:
    player = await world.play("long", "long", "long")
    results = await asyncio.gather(player.skip_current(by=1), player.skip_current(by=2), return_exceptions=True)
    assert [type(result) for result in results] == [type(None), UserError]
    await until(lambda: len(world.rows()) == 2)
    assert len(player.upcoming) == 1


async def test_the_last_skip_ends_the_session(world: MusicWorld) -> None:
    player = await world.play("long")
    await player.skip_current()
    await until(world.ended)
    assert world.rows()[0].end_reason == "skipped"
    assert world.session is None
    with pytest.raises(UserError):
        await player.skip_current()


async def test_playing_over_a_track_replaces_it(world: MusicWorld, lavalink: LavalinkStandIn) -> None:
    player = await world.play("long")
    await asyncio.sleep(0.3)
    await player.play((await world.search.find("brief")).tracks[0])
    await until(lambda: len(world.ended()) == 2)
    assert [row.end_reason for row in world.rows()] == ["replaced", "finished"]
    assert_balanced(world, lavalink)


async def test_a_track_that_cannot_be_loaded_fails_and_the_next_one_plays(
    world: MusicWorld, lavalink: LavalinkStandIn
) -> None:
    await world.play("fail404", "short")
    await until(lambda: len(world.ended()) == 2)
    assert [(row.end_reason, row.played_ms) for row in world.rows()] == [("failed", 0), ("finished", 700)]
    [(_, title, error)] = world.client.named("music_trouble")
    assert title == "fail404"
    assert error.text("en").endswith(".")


async def test_a_track_that_breaks_midway_counts_what_was_heard(world: MusicWorld, lavalink: LavalinkStandIn) -> None:
    await world.play("fail-midway")
    await until(world.ended)
    [row] = world.rows()
    assert row.end_reason == "failed"
    assert abs((row.played_ms or 0) - 1_500) < 200
    assert_balanced(world, lavalink)


async def test_a_stuck_track_is_passed_over(world: MusicWorld, lavalink: LavalinkStandIn) -> None:
    await world.play("stuck", "short")
    await until(lambda: len(world.ended()) == 2)
    assert [row.end_reason for row in world.rows()] == ["stuck", "finished"]
    assert_balanced(world, lavalink)


async def test_after_five_failures_in_a_row_the_queue_is_dropped(world: MusicWorld) -> None:
    player = await world.play(*["fail404"] * 7)
    await until(lambda: world.client.named("music_given_up"))
    await until(lambda: len(world.ended()) == 5)
    assert not player.upcoming
    assert world.session is None


async def test_double_speed_moves_the_place_and_halves_what_is_heard(
    world: MusicWorld, lavalink: LavalinkStandIn
) -> None:
    filters = wavelink.Filters()
    filters.timescale.set(speed=2.0)
    player = await world.nodes.join(world.channel())
    await player.set_filters(filters)
    await world.play("long", player=player)
    assert world.session
    assert world.session.speed == 2.0
    await asyncio.sleep(1)
    playing = world.playback.playing("7")
    assert playing
    assert abs(playing.position_ms - 2_000) < 500
    await player.stop_playing()
    assert_balanced(world, lavalink)


async def test_a_stream_has_no_duration(world: MusicWorld) -> None:
    await world.play("livestream")
    assert world.session
    assert world.session.duration_ms == 0
    assert world.rows()[0].duration_ms == 0


async def test_a_kick_ends_the_play_and_the_player(world: MusicWorld, lavalink: LavalinkStandIn) -> None:
    player = await world.play("long", "long")
    await asyncio.sleep(0.3)
    await guild_of(player).move(player, None)
    assert [row.end_reason for row in world.rows()] == ["stopped"]
    assert world.session is None
    assert world.client.voice_clients == {}
    assert_balanced(world, lavalink)


async def test_a_move_to_another_channel_plays_on(world: MusicWorld, lavalink: LavalinkStandIn) -> None:
    player = await world.play("long")
    await asyncio.sleep(0.3)
    guild = guild_of(player)
    guild.sessions += 1
    await guild.move(player, FakeChannel(guild, 71))
    await asyncio.sleep(0.5)
    assert player.channel.id == 71
    await player.stop_playing()
    assert_balanced(world, lavalink)
    assert len(world.rows()) == 1


async def test_a_server_that_is_left_leaves_no_session(world: MusicWorld) -> None:
    player = await world.play("long")
    await player.abandon()
    assert [row.end_reason for row in world.rows()] == ["stopped"]
    assert world.session is None


@pytest.mark.parametrize("code", [4006, 4014, 4022])
async def test_a_lost_voice_connection_is_made_again(world: MusicWorld, lavalink: LavalinkStandIn, code: int) -> None:
    player = await world.play("long")
    await asyncio.sleep(0.3)
    lavalink.close_voice(7, code)
    await until(lambda: guild_of(player).voice_states_sent == [70, None, 70])
    await until(lambda: world.playback.silent_for("7") == 0)
    await asyncio.sleep(0.3)
    await player.stop_playing()
    [row] = world.rows()
    assert row.end_reason == "stopped"
    # Three seconds without voice were not heard.
    assert 500 < (row.played_ms or 0) < 1_600


async def test_a_voice_connection_that_discord_ended_for_good_is_left(
    world: MusicWorld, lavalink: LavalinkStandIn
) -> None:
    await world.play("long")
    lavalink.close_voice(7, 4021)
    await until(world.ended)
    assert world.rows()[0].end_reason == "lost"
    assert world.client.voice_clients == {}


async def test_a_shutdown_ends_every_play_within_a_second(world: MusicWorld, lavalink: LavalinkStandIn) -> None:
    await world.play("long")
    await asyncio.sleep(0.3)
    async with asyncio.timeout(1.5):
        await world.nodes.close()
    assert [row.end_reason for row in world.rows()] == ["shutdown"]
    assert world.session is None
    assert_balanced(world, lavalink)


async def test_a_queue_holds_five_hundred_tracks(world: MusicWorld) -> None:
    player = await world.nodes.join(world.channel())
    [track] = (await world.search.find("long")).tracks
    assert len(player.enqueue([track] * 600, "Alice")) == 500
    with pytest.raises(UserError) as refusal:
        player.enqueue([track], "Alice")
    assert refusal.value.text("en") == "The queue is full: it holds 500 tracks."
