"""What plays goes on, in its own row, over nodes that die, come back, hang, or have another one beside them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import wavelink

from sandbox.lavalink import LavalinkStandIn
from services.lavalink import care
from services.lavalink.faults import NodeUnavailable, PlayerGone
from services.rows import Session
from tests.services.lavalink.world import MusicWorld, guild_of, until


def sent(*nodes: LavalinkStandIn) -> dict[object, int]:
    """Milliseconds of sound that all nodes together sent, by play."""
    heard: dict[object, int] = {}
    for play in (play for node in nodes for play in node.account.plays):
        play_id = play.user_data.get("play_id")
        heard[play_id] = heard.get(play_id, 0) + play.heard_ms
    return heard


def assert_balanced(world: MusicWorld, *nodes: LavalinkStandIn) -> None:
    for row in world.ended():
        assert abs((row.played_ms or 0) - sent(*nodes).get(row.event_id, 0)) < 1_000, (row, sent(*nodes))


def node_lost(world: MusicWorld) -> bool:
    playing = world.playback.playing("7")
    return playing is not None and playing.node_lost


def sounds(world: MusicWorld, node: LavalinkStandIn) -> bool:
    players = node.players(7)
    return bool(players) and players[0].position > 0 and not node_lost(world)


@pytest.fixture
async def second(music: Path) -> AsyncIterator[LavalinkStandIn]:
    async with LavalinkStandIn(music=music) as node:
        yield node


@pytest.fixture
async def pair(
    lavalink: LavalinkStandIn, second: LavalinkStandIn, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[MusicWorld]:
    monkeypatch.setattr(care, "MOVE_S", 0.2)
    world = MusicWorld(lavalink.uri, second.uri)
    async with world.nodes:
        await until(lambda: list(world.nodes.states().values()) == ["ready", "ready"])
        yield world


async def test_another_node_takes_over_what_a_dead_one_played(
    pair: MusicWorld, lavalink: LavalinkStandIn, second: LavalinkStandIn
) -> None:
    player = await pair.play("long", "brief")
    await asyncio.sleep(0.8)
    await lavalink.down()
    await until(lambda: sounds(pair, second))
    await asyncio.sleep(0.5)
    assert pair.session
    assert pair.session.is_playing
    await player.skip_current()
    await until(lambda: len(pair.ended()) == 2)
    assert [row.end_reason for row in pair.rows()] == ["skipped", "finished"]
    assert_balanced(pair, lavalink, second)


async def test_new_players_go_to_the_node_that_is_there(
    pair: MusicWorld, lavalink: LavalinkStandIn, second: LavalinkStandIn
) -> None:
    await lavalink.down()
    await until(lambda: "ready" in pair.nodes.states().values() and len(set(pair.nodes.states().values())) == 2)
    assert pair.nodes.state.condition == "ok"
    await pair.play("short")
    assert second.players(7)
    await until(pair.ended)


async def test_the_ping_is_the_slowest_connected_nodes(pair: MusicWorld, second: LavalinkStandIn) -> None:
    second.slow(0.2)
    assert (await pair.nodes.ping() or 0) >= 200
    await second.down()
    await until(lambda: len(set(pair.nodes.states().values())) == 2)
    assert 0 < (await pair.nodes.ping() or 0) < 200


async def test_a_node_that_comes_back_with_a_player_that_moved_on_is_silenced(
    pair: MusicWorld, lavalink: LavalinkStandIn, second: LavalinkStandIn
) -> None:
    await pair.play("long")
    await asyncio.sleep(0.3)
    lavalink.hang("/v4/websocket")
    await lavalink.reset()
    await until(lambda: sounds(pair, second))
    lavalink.heal()
    await until(lambda: list(pair.nodes.states().values()) == ["ready", "ready"])
    await until(lambda: not lavalink.players(7))
    assert pair.ended() == []
    assert pair.session
    assert pair.session.is_playing


async def test_paused_and_its_volume_move_along(pair: MusicWorld, lavalink: LavalinkStandIn) -> None:
    player = await pair.play("long")
    await player.set_volume(50)
    await player.pause(True)
    await lavalink.down()
    await until(lambda: node_lost(pair))
    await until(lambda: not node_lost(pair))
    assert pair.session
    assert not pair.session.is_playing
    assert player.paused
    assert player.volume == 50


async def test_a_node_that_restarts_twice_still_plays_on(world: MusicWorld, lavalink: LavalinkStandIn) -> None:
    player = await world.play("long")
    await asyncio.sleep(0.4)
    for _ in range(2):
        await lavalink.down()
        await until(lambda: node_lost(world))
        lavalink.hang("/v4/sessions")
        await lavalink.up()
    await until(lambda: node_lost(world))
    lavalink.heal()
    await until(lambda: sounds(world, lavalink), 12)
    await player.stop_playing()
    assert [row.end_reason for row in world.rows()] == ["stopped"]
    assert_balanced(world, lavalink)


async def test_a_node_that_dies_again_while_it_is_given_its_players_is_waited_for(
    world: MusicWorld, lavalink: LavalinkStandIn
) -> None:
    await world.play("long")
    await lavalink.down()
    await until(lambda: node_lost(world))
    lavalink.hang("/v4/sessions/")
    await lavalink.up()
    await asyncio.sleep(0.5)
    await lavalink.down()
    await asyncio.sleep(0.3)
    assert world.ended() == []
    await lavalink.up()
    await until(lambda: sounds(world, lavalink))


async def test_a_voice_server_that_cannot_be_reached_after_a_restart_is_tried_again(
    world: MusicWorld, lavalink: LavalinkStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.lavalink.node.ANSWER_S", 0.2)
    monkeypatch.setattr("services.lavalink.player.RETRY_S", 0.2)
    player = await world.play("long")
    await lavalink.down()
    await lavalink.up()
    lavalink.hang_voice()
    await until(lambda: player.retry_at is not None)
    lavalink.heal()
    await until(lambda: sounds(world, lavalink))
    assert world.ended() == []
    # A new voice connection, with a new key.
    assert guild_of(player).voice_states_sent[-2:] == [None, 70]


async def test_a_new_voice_server_that_cannot_be_reached_does_not_lose_the_play(
    world: MusicWorld, lavalink: LavalinkStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.lavalink.node.ANSWER_S", 0.2)
    monkeypatch.setattr("services.lavalink.voice.RETRY_S", 0.2)
    player = await world.play("long")
    await asyncio.sleep(0.3)
    lavalink.hang_voice()
    await player.on_voice_server_update({"token": "t9", "endpoint": "dead.example:443", "guild_id": "7"})  # type: ignore[typeddict-item]
    assert node_lost(world)
    lavalink.heal()
    await until(lambda: sounds(world, lavalink))
    await player.stop_playing()
    assert [row.end_reason for row in world.rows()] == ["stopped"]
    assert_balanced(world, lavalink)


async def test_a_skip_whose_end_nobody_told_is_over_and_the_next_play_starts(
    world: MusicWorld, lavalink: LavalinkStandIn
) -> None:
    player = await world.play("long")
    await player.skip_current()
    await lavalink.down()
    await until(lambda: player.adrift_since is not None)
    await until(world.ended)
    assert world.rows()[0].end_reason == "skipped"
    await lavalink.up()
    await until(lambda: player.adrift_since is None)
    await world.play("short", player=player)
    await until(lambda: len(world.ended()) == 2)


async def test_a_track_that_is_queued_while_the_last_one_is_skipped_plays(
    world: MusicWorld, lavalink: LavalinkStandIn
) -> None:
    found = await world.search.find("long")
    player = await world.play("long")
    for _ in range(10):  # the end of a track comes before or after the answer to its skip
        skipping = asyncio.create_task(player.skip_current())
        await asyncio.sleep(0)
        player.enqueue(found.tracks, "Alice")
        await skipping
        await player.advance()
        await until(lambda: player.current is not None and bool(lavalink.players(7)[0].current))
        assert len(player.upcoming) == 0
        await asyncio.sleep(0.05)
        assert player.current is not None
    assert [row.end_reason for row in world.rows()] == ["skipped"] * 10 + [None]


async def test_a_play_whose_answer_never_came_plays_once(
    world: MusicWorld, lavalink: LavalinkStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.lavalink.node.ANSWER_S", 0.3)
    player = await world.nodes.join(world.channel())
    player.enqueue((await world.search.find("short")).tracks, "Alice")
    lavalink.slow(0.6)
    await player.advance()
    assert player.current is not None
    assert not player.upcoming
    await until(world.ended)
    assert player.current is None
    assert len(world.rows()) == len(lavalink.account.plays) == 1


async def test_the_next_track_is_tried_again_when_its_node_answers_again(
    world: MusicWorld, lavalink: LavalinkStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.lavalink.node.ANSWER_S", 0.2)
    monkeypatch.setattr("services.lavalink.player.RETRY_S", 0.2)
    player = await world.play("short", "brief")
    lavalink.hang("/v4/sessions")
    await until(lambda: world.client.named("music_trouble"))
    assert world.session is None
    await asyncio.sleep(1.2)
    assert len(world.client.named("music_trouble")) == 1
    lavalink.heal()
    await until(lambda: len(world.ended()) == 2)
    assert not player.upcoming


async def test_a_track_that_the_node_cannot_read_is_passed_over(world: MusicWorld) -> None:
    [track] = (await world.search.find("short")).tracks
    unreadable = wavelink.Playable({**track.raw_data, "encoded": "QAAA"})
    player = await world.nodes.join(world.channel())
    player.enqueue([track, unreadable, track], "Alice")
    await player.advance()
    await until(lambda: len(world.ended()) == 2)
    assert [title for _, title, _ in world.client.named("music_trouble")] == ["short"]
    assert world.session is None


async def test_a_queue_that_no_node_can_read_is_given_up(world: MusicWorld) -> None:
    [track] = (await world.search.find("short")).tracks
    unreadable = wavelink.Playable({**track.raw_data, "encoded": "QAAA"})
    player = await world.nodes.join(world.channel())
    player.enqueue([unreadable] * 20, "Alice")
    await player.advance()
    assert len(world.client.named("music_trouble")) == 5
    assert len(world.client.named("music_given_up")) == 1
    assert (world.rows(), world.session, len(player.upcoming)) == ([], None, 0)


async def test_a_player_that_was_kicked_while_it_started_a_track_leaves_nothing(
    world: MusicWorld, lavalink: LavalinkStandIn
) -> None:
    player = await world.nodes.join(world.channel())
    player.enqueue((await world.search.find("long")).tracks, "Alice")
    lavalink.hang("/v4/sessions")
    starting = asyncio.create_task(player.advance())
    await asyncio.sleep(0.1)
    kicking = asyncio.create_task(guild_of(player).move(player, None))
    await asyncio.sleep(0.1)
    lavalink.heal()
    with pytest.raises(PlayerGone):
        await starting
    await kicking
    await until(lambda: not lavalink.players(7))
    assert world.session is None
    assert all(row.ended_at for row in world.rows())


async def test_after_a_cut_connection_the_place_is_right_at_once(world: MusicWorld, lavalink: LavalinkStandIn) -> None:
    await world.play("long")
    await asyncio.sleep(0.3)
    lavalink.hang("/v4/websocket")
    await lavalink.reset()
    await until(lambda: node_lost(world))
    await asyncio.sleep(2)
    before = len(world.recorder.history)
    lavalink.heal()
    await until(lambda: world.session and world.session.is_playing)
    stamped = [row for row in world.recorder.history[before:] if isinstance(row, Session)]
    for row in stamped:
        assert not row.is_playing or abs(row.position_ms - lavalink.players(7)[0].position) < 1_000


async def test_a_node_that_is_back_after_it_was_given_up_can_be_played_on_anew(
    world: MusicWorld, lavalink: LavalinkStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(care, "NODE_S", 0.3)
    await world.play("long")
    await lavalink.down()
    await until(world.ended)
    assert world.session is None
    assert world.nodes.players == []
    await lavalink.up()
    await until(lambda: list(world.nodes.states().values()) == ["ready"])
    await world.play("short")
    await until(lambda: len(world.ended()) == 2)
    assert [row.end_reason for row in world.rows()] == ["lost", "finished"]


@pytest.mark.parametrize("ask", ["pause", "seek", "skip"])
async def test_what_is_asked_of_a_node_that_is_away_is_refused_at_once(
    world: MusicWorld, lavalink: LavalinkStandIn, ask: str
) -> None:
    player = await world.play("long", "long")
    # A network that swallows everything, rather than a port that refuses.
    lavalink.hang("/v4/")
    await lavalink.reset()
    await until(lambda: node_lost(world))
    asked = {"pause": lambda: player.pause(True), "seek": lambda: player.seek(5_000), "skip": player.skip_current}
    async with asyncio.timeout(0.5):
        with pytest.raises(NodeUnavailable):
            await asked[ask]()
    playing = world.playback.playing("7")
    assert playing
    assert (playing.paused, playing.position_ms < 2_000, len(player.upcoming)) == (False, True, 1)
    lavalink.heal()
    await until(lambda: world.session and world.session.is_playing)
    assert world.ended() == []


async def test_a_kick_while_the_node_is_away_ends_the_play(world: MusicWorld, lavalink: LavalinkStandIn) -> None:
    player = await world.play("long")
    await lavalink.down()
    await until(lambda: node_lost(world))
    await guild_of(player).move(player, None)
    assert [row.end_reason for row in world.rows()] == ["stopped"]
    assert world.session is None
    await lavalink.up()
    await until(lambda: list(world.nodes.states().values()) == ["ready"])
    assert lavalink.players(7) == []
