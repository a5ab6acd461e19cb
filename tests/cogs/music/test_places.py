"""Where the bot is: stages, other channels, kicks, outages of a server and of the gateway."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sandbox.discord import Permission
from tests.cogs.music.conftest import Stage
from tests.services.lavalink.world import until


async def test_a_timed_out_bot_says_so(stage: Stage) -> None:
    await stage.alice.join(stage.lounge)
    stage.guild.me.time_out(5)
    await until(stage.bot.guilds[0].me.is_timed_out)
    use = await stage.use(stage.alice, "play", query="morning")
    assert use.text == "I am timed out in this server, so I can join no channel until that ends."
    assert use.messages[0].ephemeral


async def test_a_bot_whose_time_out_has_run_out_plays_again(stage: Stage) -> None:
    await stage.alice.join(stage.lounge)
    me = stage.bot.guilds[0].me
    stage.guild.me.time_out(minutes=0.01)
    await until(lambda: me.timed_out_until)
    await until(lambda: not me.is_timed_out())
    await stage.use(stage.alice, "play", query="morning")
    assert stage.session


async def test_a_bot_that_is_timed_out_while_it_plays_ends_the_play(stage: Stage) -> None:
    await stage.alice.join(stage.lounge)
    await stage.use(stage.alice, "play", query="morning")
    stage.guild.me.time_out(5)
    await until(lambda: stage.session is None)
    assert [row.end_reason for row in stage.rows()] == ["stopped"]


async def test_on_a_stage_it_becomes_a_speaker_where_it_may(stage: Stage) -> None:
    podium = stage.guild.add_stage_channel("podium")
    podium.allow(stage.guild.me, Permission.MUTE_MEMBERS)
    await stage.alice.join(podium)
    await stage.use(stage.alice, "play", query="morning")
    await until(lambda: not stage.guild.voice_states[stage.guild.me.id].suppress)
    assert stage.session


async def test_on_a_stage_it_asks_to_speak_where_it_may_not_and_says_so(stage: Stage) -> None:
    podium = stage.guild.add_stage_channel("podium")
    await stage.alice.join(stage.lounge)
    await stage.use(stage.alice, "play", query="morning")
    stage.discord.move_bot(podium)
    await stage.discord.wait_for_message(stage.general, lambda each: "only a listener on this stage" in each.text)
    state = stage.guild.voice_states[stage.guild.me.id]
    assert state.suppress
    assert state.request_to_speak


async def test_an_outage_of_the_server_plays_on(stage: Stage) -> None:
    await stage.alice.join(stage.lounge)
    await stage.use(stage.alice, "play", query="morning")
    stage.guild.outage()
    await asyncio.sleep(0.2)
    # The outage took the voice connection along.
    stage.guild.voice_states.pop(stage.guild.me.id)
    stage.lavalink.close_voice(stage.guild.id, 4014)
    stage.guild.recover()
    await until(lambda: stage.guild.voice_states.get(stage.guild.me.id))
    await until(lambda: stage.lavalink.players(stage.guild.id)[0].voice.connected)
    assert await stage.text(stage.alice, "pause") == "Paused."
    assert [row.end_reason for row in stage.rows()] == [None]


async def test_after_a_new_gateway_session_it_still_sees_who_listens(stage: Stage) -> None:
    await stage.alice.join(stage.lounge)
    await stage.use(stage.alice, "play", query="morning")
    state = stage.guild.voice_states[stage.guild.me.id]
    await stage.discord.invalidate_sessions()
    stage.guild.voice_states[stage.guild.me.id] = state  # the voice connection outlives it
    before = stage.bot.guilds[0]
    await until(lambda: stage.bot.guilds and stage.bot.guilds[0] is not before and stage.bot.guilds[0].me)
    [player] = stage.nodes.players
    await until(lambda: player.guild is stage.bot.guilds[0])
    assert player.has_listeners
    await stage.alice.leave()
    await until(lambda: not player.has_listeners)


async def test_a_new_gateway_session_plays_on(stage: Stage) -> None:
    await stage.alice.join(stage.lounge)
    await stage.use(stage.alice, "play", query="morning")
    await stage.discord.invalidate_sessions()
    await asyncio.sleep(1)
    await stage.discord.bot_ready()
    await until(lambda: len(stage.lavalink.players(stage.guild.id)) == 1)
    await asyncio.sleep(1)
    assert await stage.text(stage.alice, "pause") == "Paused."
    assert [row.end_reason for row in stage.rows()] == [None]


async def test_a_kick_and_a_deleted_server_end_the_session(stage: Stage) -> None:
    await stage.alice.join(stage.lounge)
    await stage.use(stage.alice, "play", query="morning")
    stage.discord.kick_bot_from_voice(stage.guild)
    await until(lambda: stage.session is None)
    await stage.use(stage.alice, "play", query="evening")
    stage.guild.remove_bot()
    await until(lambda: stage.session is None)
    assert [row.end_reason for row in stage.rows()] == ["stopped", "stopped"]


@pytest.mark.parametrize(
    ("command", "options"), [("pause", {}), ("volume", {"level": 50}), ("seek", {"position": "+5"})]
)
async def test_a_kick_under_a_command_leaves_no_player_on_the_node(
    stage: Stage, command: str, options: dict[str, Any]
) -> None:
    await stage.alice.join(stage.lounge)
    await stage.use(stage.alice, "play", query="morning")
    stage.discord.slow(0.2)
    use = await stage.alice.slash(command, options, channel=stage.general)
    stage.discord.kick_bot_from_voice(stage.guild)
    await until(lambda: stage.session is None and not stage.lavalink.players(stage.guild.id))
    await use.answered()
    assert use.text == "I am not in the voice channel any more."
    assert stage.lavalink.players(stage.guild.id) == []


async def test_a_move_plays_on_and_moves_the_rights_along(stage: Stage) -> None:
    await stage.alice.join(stage.lounge)
    await stage.use(stage.alice, "play", query="morning")
    attic = stage.guild.add_voice_channel("attic")
    await asyncio.sleep(0.2)
    stage.discord.move_bot(attic)
    await until(lambda: stage.nodes.players[0].channel.id == attic.id)
    assert f"<#{attic.id}>" in await stage.text(stage.alice, "skip")
    await stage.alice.join(attic)
    assert await stage.text(stage.alice, "pause") == "Paused."
    assert len(stage.rows()) == 1
