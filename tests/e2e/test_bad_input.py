"""Whatever people type gets one plain sentence; nothing is lost, nothing hangs."""

from __future__ import annotations

import asyncio

import pytest

from sandbox.discord import Interaction, Permission
from tests.e2e.conftest import Town

JAPANESE = range(0x3040, 0x9FFF)


def sentence(use: Interaction) -> str:
    """What the person was told: one private message of a line or two, without a trace of the machinery."""
    (message,) = use.messages
    assert message.ephemeral
    assert message.content.strip()
    assert len(message.content) < 300
    assert not any(word in message.content for word in ("Traceback", "Exception", "Error:", "None"))
    return message.content


QUERIES = [
    "   ",
    "x" * 5_000,
    "\0\x01\x02",
    "http://[",
    "file:///etc/passwd",
    "http://2130706433/x.mp3",
    "http://0x7f.1/x.mp3",
    "http://[::ffff:7f00:1]/x.mp3",
    "http://youtube.com@169.254.169.254/latest",
    "https://youtube.com.evil.example/watch?v=1",
    "http://１２７.0.0.2/x.mp3",
    "//localhost/x",
    "ftp://youtube.com/x",
]


async def test_a_query_that_cannot_be_is_refused_in_one_sentence(town: Town) -> None:
    for number, query in enumerate(QUERIES):
        # Somebody else each time: a person has to wait between plays.
        asker = town.world.guild.add_member(f"asker-{number}", locale="en-US")
        await asker.join(town.world.voice)
        use = await asker.slash("play", {"query": query}, channel=town.world.general)
        sentence(await use.answered(timeout=10))
    assert not any("loadtracks" in request.path for request in town.world.lavalink.requests)


async def test_bad_values_are_refused_one_by_one_in_the_persons_language(town: Town) -> None:
    await town.play("night")
    await town.world.yuki.join(town.world.voice)
    for command, options in (
        ("volume", {"level": -1}),
        ("volume", {"level": 10**9}),
        ("seek", {"position": "tomorrow"}),
        ("seek", {"position": "-"}),
        ("seek", {"position": "9" * 400}),
    ):
        told = sentence(await town.ask(command, who="yuki", **options))
        assert any(ord(character) in JAPANESE for character in told), told
    (session,) = await town.rows("active_sessions")
    assert session["is_playing"]


async def test_a_refusal_that_everybody_sees_is_in_the_servers_language(town: Town) -> None:
    await town.world.yuki.join(town.world.voice)
    (message,) = (await town.ask("play", who="yuki", query="nothing of the kind")).messages
    assert (message.ephemeral, message.content) == (False, "Nothing was found.")


async def test_a_seek_past_the_end_ends_the_track_or_is_refused(town: Town) -> None:
    await town.play("morning")
    await town.ask("play", query="rainy")
    use = await town.ask("seek", position="59:59")
    assert "0:09" in sentence(use)
    await town.ask("nowplaying")
    await town.ask("stop")
    rows = await town.rows("music_history", lambda rows: bool(rows) and all(row["ended_at"] for row in rows))
    assert all(row["played_ms"] < 9_600 for row in rows)


async def test_a_hostile_title_pings_nobody_and_is_stored(town: Town) -> None:
    await town.world.alice.join(town.world.voice)
    use = await town.ask("play", query="hostile")
    assert not use.failed
    assert "everyone" in use.text
    assert "@everyone" not in use.text
    assert len(use.text) < 6_000
    (play,) = await town.rows("music_history")
    assert play["track_title"]
    assert "\0" not in play["track_title"]
    await town.rows("active_sessions")
    await town.ask("queue")
    await town.ask("nowplaying")


async def test_only_those_in_the_bots_channel_control_it(town: Town) -> None:
    await town.play("night")
    for command in ("pause", "skip", "stop"):
        sentence(await town.ask(command, who="bob"))
    panel = next(message for message in reversed(town.world.general.messages) if message.components)
    pressed = await town.world.bob.click(panel, "skip")
    await pressed.answered(timeout=5)
    sentence(pressed)
    (session,) = await town.rows("active_sessions")
    assert session["is_playing"]


async def test_two_members_pressing_at_once_skip_one_track_each_and_break_nothing(town: Town) -> None:
    await town.play("morning")
    await town.ask("play", query="rainy")
    await town.ask("play", query="night")
    await town.world.bob.join(town.world.voice)
    uses = await asyncio.gather(town.ask("skip"), town.ask("skip", who="bob"))
    assert all(use.text for use in uses)
    rows = await town.rows("music_history", lambda rows: len(rows) >= 2 and rows[-1]["ended_at"] is None)
    assert all(row["end_reason"] == "skipped" for row in rows[:-1])


async def test_a_missing_permission_is_one_sentence_with_the_invite_link(town: Town) -> None:
    await town.world.alice.join(town.world.voice)
    for permission in (Permission.CONNECT, Permission.SPEAK, Permission.VIEW_CHANNEL):
        town.world.voice.deny(town.world.guild.me, permission)
        told = sentence(await town.ask("play", query="morning"))
        assert "/oauth2/authorize" in told
        assert str(permission.name).replace("_", " ").title() in told
    await town.world.yuki.join(town.world.voice)
    assert "チャンネルを見る" in sentence(await town.ask("play", who="yuki", query="morning"))


async def test_in_a_direct_message_there_is_chat_and_help_and_no_music(town: Town) -> None:
    room = town.world.alice.dm_channel
    with pytest.raises(PermissionError):
        await town.world.alice.slash("play", {"query": "x"}, channel=room)
    use = await town.world.alice.slash("help", {}, channel=room)
    await use.answered(timeout=5)
    assert "/play" in use.messages[0].text
    use = await town.world.alice.slash("ask", {"prompt": "hello"}, channel=room)
    await use.finished(lambda use: "hello" in use.text, timeout=10)


async def test_kicked_in_the_middle_of_a_command_it_answers_all_the_same(town: Town) -> None:
    await town.play("night")
    town.world.lavalink.slow(0.3)
    use = await town.world.alice.slash("skip", {}, channel=town.world.general)
    town.world.discord.kick_bot_from_voice(town.world.guild)
    await use.answered(timeout=10)
    assert not use.failed
    town.world.lavalink.slow(0)
    await town.rows("active_sessions", lambda rows: not rows)
    await town.rows("music_history", lambda rows: bool(rows) and all(row["ended_at"] for row in rows))


async def test_a_node_that_never_answers_leaves_nobody_waiting(town: Town) -> None:
    await town.world.alice.join(town.world.voice)
    town.world.lavalink.hang("/v4/loadtracks")
    use = await town.world.alice.slash("play", {"query": "morning"}, channel=town.world.general)
    await use.answered(timeout=60)
    assert not use.failed
    assert use.text
    town.world.lavalink.heal()
    await town.play("rainy")
    await town.rows("active_sessions")


async def test_in_a_hurry_people_are_asked_to_wait(town: Town) -> None:
    await town.world.alice.join(town.world.voice)
    told = [await town.ask("play", query="morning") for _ in range(8)]
    assert any(use.messages[0].ephemeral for use in told)
    await town.ask("stop")
