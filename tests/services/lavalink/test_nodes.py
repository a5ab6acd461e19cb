"""Nodes that come late, go away, hang, refuse, and come back."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sandbox.lavalink import LavalinkStandIn
from services.lavalink import care
from services.lavalink.faults import NodeUnavailable, VoiceUnavailable
from services.rows import Session
from tests.services.lavalink.test_plays import assert_balanced
from tests.services.lavalink.world import MusicWorld, guild_of, until


async def test_a_node_that_comes_late_is_found(music: Path) -> None:
    lavalink = LavalinkStandIn(music=music)
    world = MusicWorld(lavalink.uri)
    async with world.nodes:
        with pytest.raises(NodeUnavailable):
            await world.search.find("short")
        await until(lambda: "not reachable" in world.nodes.states().values())
        assert world.nodes.state.condition == "down"
        assert await world.nodes.ping() is None
        async with lavalink:
            await until(lambda: list(world.nodes.states().values()) == ["ready"])
            assert (world.nodes.state.condition, world.nodes.state.detail) == ("ok", "")
            assert (await world.nodes.ping() or 0) > 0
            await world.play("short")
            await until(world.ended)


async def test_a_play_right_after_the_start_waits_for_the_node(world: MusicWorld) -> None:
    await world.play("short")
    assert len(world.rows()) == 1


async def test_a_refused_password_is_named_and_never_shown(lavalink: LavalinkStandIn) -> None:
    world = MusicWorld(lavalink.uri.replace("youshallnotpass", "s3cret"))
    async with world.nodes:
        await until(lambda: world.nodes.states() == {f"127.0.0.1:{lavalink.port}": "its password was refused"})
        assert "s3cret" not in repr(world.nodes.state) + repr(world.nodes.states())


async def test_no_nodes_mean_no_music() -> None:
    world = MusicWorld()
    async with world.nodes:
        assert world.nodes.state.condition == "off"
        with pytest.raises(NodeUnavailable):
            await world.search.find("short")


@pytest.mark.parametrize("graceful", [True, False])
async def test_a_play_goes_on_after_a_restart_of_its_node(
    world: MusicWorld, lavalink: LavalinkStandIn, graceful: bool
) -> None:
    player = await world.play("long", "brief")
    await player.seek(20_000)
    await asyncio.sleep(0.5)
    await (lavalink.stop_gracefully() if graceful else lavalink.down())
    await until(lambda: world.session and not world.session.is_playing)
    assert world.session
    place = world.session.position_ms
    await asyncio.sleep(0.6)
    playing = world.playback.playing("7")
    assert playing
    assert (playing.position_ms, playing.node_lost) == (place, True)
    await lavalink.up()
    await until(lambda: world.session and world.session.is_playing)
    await asyncio.sleep(0.4)
    [sandbox_player] = lavalink.players(7)
    assert abs(sandbox_player.position - place - 400) < 500
    assert len(world.rows()) == 1
    await player.skip_current()
    await until(lambda: len(world.ended()) == 2)
    assert [row.end_reason for row in world.rows()] == ["skipped", "finished"]
    assert_balanced(world, lavalink)


async def test_a_paused_play_is_still_paused_after_a_restart(world: MusicWorld, lavalink: LavalinkStandIn) -> None:
    player = await world.play("long")
    await player.pause(True)
    await lavalink.down()
    await until(lambda: (playing := world.playback.playing("7")) and playing.node_lost)
    await lavalink.up()
    await until(lambda: (playing := world.playback.playing("7")) and not playing.node_lost)
    assert [each.paused for each in lavalink.players(7)] == [True]
    assert world.session
    assert not world.session.is_playing


async def test_a_resumed_session_played_on_all_the_while(world: MusicWorld, lavalink: LavalinkStandIn) -> None:
    player = await world.play("long")
    await asyncio.sleep(0.5)
    await lavalink.reset()
    await until(lambda: len(world.client.named("wavelink_node_ready")) == 2)
    [(ready,)] = world.client.named("wavelink_node_ready")[1:]
    assert ready.resumed
    assert not all(row.is_playing for row in world.recorder.history if isinstance(row, Session))
    assert world.session
    assert world.session.is_playing
    await asyncio.sleep(0.3)
    await player.stop_playing()
    assert len(lavalink.account.plays) == len(world.rows()) == 1
    assert_balanced(world, lavalink)


async def test_a_node_that_stays_away_loses_its_plays(
    world: MusicWorld, lavalink: LavalinkStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(care, "NODE_S", 0.3)
    await world.play("long")
    await lavalink.down()
    await until(world.ended)
    assert world.rows()[0].end_reason == "lost"
    assert world.session is None
    assert world.client.voice_clients == {}


async def test_a_call_while_the_node_is_away_is_refused_in_words(world: MusicWorld, lavalink: LavalinkStandIn) -> None:
    player = await world.play("long")
    await lavalink.down()
    with pytest.raises(NodeUnavailable):
        await player.pause(True)
    assert not player.paused
    await player.stop_playing()
    assert [row.end_reason for row in world.rows()] == ["stopped"]


async def test_a_play_that_could_not_start_is_not_recorded(
    world: MusicWorld, lavalink: LavalinkStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.lavalink.node.ANSWER_S", 0.2)
    player = await world.nodes.join(world.channel())
    found = await world.search.find("short")
    lavalink.hang("/v4/sessions")
    player.enqueue(found.tracks, "Alice")
    with pytest.raises(NodeUnavailable):
        await player.advance()
    assert world.rows() == []
    assert len(player.upcoming) == 1


async def test_a_node_that_answers_nothing_has_no_ping(world: MusicWorld, lavalink: LavalinkStandIn) -> None:
    await until(lambda: list(world.nodes.states().values()) == ["ready"])
    lavalink.hang("/version")
    async with asyncio.timeout(2.5):
        assert await world.nodes.ping() is None


async def test_a_node_that_hangs_after_it_worked_is_not_starting(
    world: MusicWorld, lavalink: LavalinkStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.lavalink.node.PROBE_S", 0.1)
    monkeypatch.setattr("services.lavalink.nodes.WATCH_S", 0.1)
    assert world.nodes.state.condition == "starting"
    await until(lambda: world.nodes.state.condition == "ok")
    lavalink.hang("/version")
    await until(lambda: "not answering" in world.nodes.states().values())
    assert world.nodes.state.condition == "down"


async def test_a_voice_server_that_never_answers_is_given_up(
    world: MusicWorld, lavalink: LavalinkStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.lavalink.voice.JOIN_S", 0.5)
    monkeypatch.setattr("services.lavalink.node.ANSWER_S", 0.2)
    lavalink.hang_voice()
    with pytest.raises(VoiceUnavailable):
        await world.nodes.join(world.channel())
    assert world.client.voice_clients == {}
    assert world.nodes.players == []


async def test_a_channel_that_discord_never_confirms_is_given_up(
    world: MusicWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.lavalink.voice.JOIN_S", 0.2)
    channel = world.channel()
    channel.guild.silent = True
    with pytest.raises(VoiceUnavailable):
        await world.nodes.join(channel)
    assert world.client.voice_clients == {}
    channel.guild.silent = False
    await world.nodes.join(channel)


async def test_a_player_leaves_when_nothing_plays(world: MusicWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(care, "IDLE_S", 0.3)
    await world.play("short")
    await until(lambda: world.client.named("music_retired"))
    await until(lambda: not world.nodes.players)
    assert [row.end_reason for row in world.rows()] == ["finished"]


async def test_a_player_leaves_an_empty_channel(world: MusicWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(care, "IDLE_S", 0.3)
    player = await world.play("long")
    robot = type("Robot", (), {"bot": True})
    guild = guild_of(player)
    guild.members = {900: robot, 901: robot}
    world.client.channels[70].voice_states = {900: None, 901: None}
    await until(world.ended)
    assert world.rows()[0].end_reason == "stopped"


async def test_words_are_found_in_the_next_source_where_the_first_has_nothing(lavalink: LavalinkStandIn) -> None:
    world = MusicWorld(lavalink.uri, search_sources=("ytsearch", "scsearch"))
    async with world.nodes:
        assert len((await world.search.find("short")).tracks) == 1


async def test_a_link_to_a_folder_is_a_playlist(world: MusicWorld, lavalink: LavalinkStandIn) -> None:
    found = await world.search.find(lavalink.file_url("album"))
    assert found.playlist == "album"
    assert len(found.tracks) == 2
    await world.play(lavalink.file_url("album"))
    await until(lambda: len(world.ended()) == 2)
