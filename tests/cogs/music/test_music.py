"""The music commands, as people in a server use them."""

from __future__ import annotations

import asyncio
from unittest.mock import Mock

import discord
import pytest

from cogs.music.here import controlled, joinable
from sandbox.discord import Permission
from services.errors import UserError
from services.i18n import say
from tests.cogs.music.conftest import Stage, said
from tests.services.lavalink.world import until


async def test_play_joins_plays_and_shows_the_panel(stage: Stage) -> None:
    await stage.alice.join(stage.lounge)
    use = await stage.use(stage.alice, "play", query="morning")
    assert "morning" in said(use.messages[0])
    assert [row.track_title for row in stage.rows()] == ["morning"]
    assert stage.rows()[0].requested_by == "alice"
    assert stage.session
    assert stage.session.is_playing
    assert stage.discord.unknown_requests == []


async def test_a_second_play_is_queued_with_its_position(stage: Stage) -> None:
    await stage.alice.join(stage.lounge)
    await stage.text(stage.alice, "play", query="morning")
    assert await stage.text(stage.alice, "play", query="evening") == "Queued at position 1: evening"
    assert "evening" in await stage.text(stage.alice, "queue")


async def test_two_who_play_at_once_share_one_player(stage: Stage) -> None:
    await stage.alice.join(stage.lounge)
    await stage.bob.join(stage.lounge)
    texts = await asyncio.gather(
        stage.text(stage.alice, "play", query="morning"), stage.text(stage.bob, "play", query="evening")
    )
    assert sum("position 1" in text for text in texts) == 1
    assert len(stage.nodes.players) == 1


async def test_pause_resume_seek_skip_and_stop_leave_the_right_rows(stage: Stage) -> None:
    await stage.alice.join(stage.lounge)
    await stage.use(stage.alice, "play", query="morning")
    await stage.use(stage.alice, "play", query="evening")
    assert await stage.text(stage.alice, "pause") == "Paused."
    assert stage.session
    assert not stage.session.is_playing
    assert "paused already" in await stage.text(stage.alice, "pause")
    assert await stage.text(stage.alice, "resume") == "Resumed."
    assert "not paused" in await stage.text(stage.alice, "resume")
    assert await stage.text(stage.alice, "seek", position="0:30") == "Now at 0:30."
    assert abs(stage.session.position_ms - 30_000) < 1_000
    assert "1:00 long" in await stage.text(stage.alice, "seek", position="5:00")
    assert await stage.text(stage.alice, "skip") == "Skipped: morning"
    await until(lambda: stage.session and stage.session.track_title == "evening")
    assert await stage.text(stage.alice, "stop") == "Stopped."
    assert [row.end_reason for row in stage.rows()] == ["skipped", "stopped"]
    assert stage.session is None
    await until(lambda: stage.discord.voice_credentials(stage.guild.id) is None)


@pytest.mark.parametrize("level", [-1, 201, 1_000_000_000])
async def test_a_volume_out_of_range_is_one_sentence(stage: Stage, level: int) -> None:
    await stage.alice.join(stage.lounge)
    await stage.use(stage.alice, "play", query="morning")
    assert await stage.text(stage.alice, "volume", level=level) == "The volume goes from 0 to 200."
    assert await stage.text(stage.alice, "volume", level=0) == "Volume: 0 %"
    assert stage.lavalink.players(stage.guild.id)[0].volume == 0


async def test_who_is_in_no_channel_or_another_one_is_told_so_in_private(stage: Stage) -> None:
    assert await stage.text(stage.alice, "play", query="morning") == "Join a voice channel first."
    assert await stage.text(stage.alice, "stop") == "Nothing is playing here."
    await stage.alice.join(stage.lounge)
    await stage.use(stage.alice, "play", query="morning")
    for command, options in {"play": {"query": "x"}, "skip": {}, "stop": {}, "volume": {"level": 5}}.items():
        use = await stage.use(stage.bob, command, **options)
        assert f"<#{stage.lounge.id}>" in use.text
        assert use.messages[0].ephemeral
    assert stage.rows()[0].ended_at is None


@pytest.mark.parametrize(
    "query",
    ["   ", "a" * 5_000, "a\x00b", "http://[", "http://2130706433/", "file:///etc/passwd", "https://evil.example/x"],
)
async def test_a_bad_query_is_one_sentence_in_private(stage: Stage, query: str) -> None:
    await stage.alice.join(stage.lounge)
    use = await stage.use(stage.alice, "play", query=query)
    assert use.text.endswith(".")
    assert use.messages[0].ephemeral
    assert stage.rows() == []


def test_a_direct_message_is_told_that_music_plays_in_servers() -> None:
    interaction = Mock(spec_set=discord.Interaction, guild=None)
    for place in (joinable, controlled):
        with pytest.raises(UserError, match="servers only"):
            place(interaction)


async def test_what_the_bot_lacks_is_said_with_an_invitation(stage: Stage) -> None:
    await stage.alice.join(stage.lounge)
    allowed = Permission.VIEW_CHANNEL | Permission.SEND_MESSAGES | Permission.USE_APPLICATION_COMMANDS
    for role in stage.guild.roles.values():
        stage.guild.set_role_permissions(role, allowed)
    await until(lambda: not stage.bot.guilds[0].me.guild_permissions.connect)
    use = await stage.use(stage.alice, "play", query="morning")
    assert "Connect, Speak" in use.text
    assert "oauth2/authorize" in use.text
    assert use.messages[0].ephemeral


async def test_a_full_channel_is_said(stage: Stage) -> None:
    booth = stage.guild.add_voice_channel("booth", user_limit=1)
    await stage.alice.join(booth)
    assert "is full" in await stage.text(stage.alice, "play", query="morning")


async def test_nothing_found_ends_the_thinking(stage: Stage) -> None:
    await stage.alice.join(stage.lounge)
    assert await stage.text(stage.alice, "play", query="no such track") == "Nothing was found."


async def test_a_title_that_is_an_attack_is_only_text(stage: Stage) -> None:
    await stage.alice.join(stage.lounge)
    text = await stage.text(stage.alice, "play", query="hostile")
    for active in ("@everyone", "@here", "<@1>", "https://", "\u202e", "\u200b\u200b"):
        assert active not in text
    assert stage.session


async def test_the_buttons_work_for_listeners_only(stage: Stage) -> None:
    await stage.alice.join(stage.lounge)
    panel = (await stage.use(stage.alice, "play", query="morning")).messages[0]
    refused = await stage.bob.click(panel, "pause")
    await refused.answered()
    assert refused.messages[0].ephemeral
    assert stage.session
    assert stage.session.is_playing
    await stage.alice.click(panel, "pause")
    await until(lambda: stage.session and not stage.session.is_playing)
    await until(lambda: "Paused" in said(panel))
    await stage.alice.click(panel, "pause")
    await until(lambda: stage.session and stage.session.is_playing)
    await stage.alice.click(panel, "stop")
    await until(stage.ended)
    await until(lambda: not panel.components)
    assert "Nothing is playing." in said(panel)


async def test_a_playlist_fills_the_queue_and_its_pages_turn(stage: Stage) -> None:
    await stage.alice.join(stage.lounge)
    text = await stage.text(stage.alice, "play", query=stage.lavalink.file_url("album"))
    assert text == "Queued 25 tracks of album."
    use = await stage.use(stage.alice, "queue")
    page = use.messages[0]
    assert page.ephemeral
    assert "Page 1 of 3" in str(page.embeds)
    await (await stage.alice.click(page, "queue:1")).answered()
    await until(lambda: "Page 2 of 3" in str(page.embeds))
    await stage.use(stage.alice, "stop")
    use = await (await stage.alice.click(page, "queue:2")).answered()
    assert "The queue is empty." in str(use.text)


async def test_a_playlist_that_does_not_wholly_fit_says_how_much_did_not(stage: Stage) -> None:
    await stage.alice.join(stage.lounge)
    await stage.use(stage.alice, "play", query="morning")
    [player] = stage.nodes.players
    assert player.current
    player.enqueue([player.current] * 480, "alice")
    text = await stage.text(stage.alice, "play", query=stage.lavalink.file_url("album"))
    assert text == "Queued 20 tracks of album; 5 more did not fit: the queue holds 500 tracks."
    text = await stage.text(stage.alice, "play", query=stage.lavalink.file_url("album"))
    assert text == "The queue is full: it holds 500 tracks."


async def test_a_failing_track_is_explained_in_the_channel(stage: Stage) -> None:
    await stage.alice.join(stage.lounge)
    await stage.use(stage.alice, "play", query="fail404")
    message = await stage.discord.wait_for_message(stage.general, lambda each: "Trouble with" in each.text)
    assert message.text == "Trouble with fail404: The source could not deliver this track."


async def test_a_japanese_member_is_answered_in_japanese_in_private(stage: Stage) -> None:
    assert await stage.text(stage.bob, "stop") == say("ja", "Nothing is playing here.")
