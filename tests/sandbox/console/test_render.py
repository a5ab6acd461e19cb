"""Messages look as they do in Discord's client."""

from __future__ import annotations

import io

from rich.console import Console

from sandbox.console.render import rendered
from sandbox.discord.messages import Message, MessageFlag, Version
from sandbox.world import World

PANEL = Version(
    0.0,
    "plays **loud** `music` \\(really\\)\n-# small print",
    [{"title": "Now playing", "description": "Morning Light", "fields": [{"name": "By", "value": "Trio"}]}],
    [
        {
            "type": 1,
            "components": [
                {"type": 2, "style": 1, "label": "Skip", "emoji": {"name": "⏭"}, "custom_id": "skip"},
                {"type": 2, "style": 4, "label": "Stop", "custom_id": "stop", "disabled": True},
            ],
        }
    ],
)


def shown(message: Message) -> str:
    printed = io.StringIO()
    Console(file=printed, width=100).print(rendered(message))
    return printed.getvalue()


def message_of(world: World, *versions: Version) -> Message:
    return Message(1, world.general, world.discord.bot, versions=list(versions))


async def test_text_embeds_and_buttons_are_shown(world: World) -> None:
    text = shown(message_of(world, PANEL))
    assert "sandbox-bot APP" in text
    assert "plays loud music (really)" in text, "markdown is shown as what it means"
    assert "-#" not in text
    for part in ("Now playing", "Morning Light", "By  Trio", "[⏭ Skip]", "[Stop]"):
        assert part in text
    assert "Only you can see this" not in text


async def test_mentions_are_names(world: World) -> None:
    version = Version(0.0, f"{world.alice.user.mention} is in <#{world.voice.id}>, not <@42>")
    assert "@alice is in #music, not <@42>" in shown(message_of(world, version))


async def test_a_private_answer_says_so(world: World) -> None:
    message = message_of(world, Version(0.0, "psst"))
    message.flags = MessageFlag.EPHEMERAL
    assert "Only you can see this" in shown(message)


async def test_an_edited_message_shows_its_newest_text_and_says_so(world: World) -> None:
    text = shown(message_of(world, Version(0.0, "Hel"), Version(1.0, "Hello")))
    assert "(edited)" in text
    assert "Hello" in text


async def test_a_deferred_answer_is_thinking(world: World) -> None:
    message = message_of(world)
    message.flags = MessageFlag.LOADING
    assert "thinking" in shown(message)
