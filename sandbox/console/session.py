"""A person's seat in the sandbox: who they are, what they did last, and what came of it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from sandbox.bot_process import BotProcess
from sandbox.console import slash_line
from sandbox.console.screen import Screen
from sandbox.discord.interactions import Interaction
from sandbox.discord.members import Member
from sandbox.discord.messages import Message, walk
from sandbox.discord.payload import Json
from sandbox.lavalink.player import Player
from sandbox.world import World

BUTTON = 2
NO_ANSWER = "The application did not respond"
ANSWER_TIMEOUT = 60.0
# What Gemini answers streams, and is edited about once a second; any other answer is whole when it comes.
QUIET, QUIET_STREAM = 0.1, 1.4


class RefusedError(Exception):
    """What was asked for cannot be done; the message says why."""


class Session:
    """One user of the console; `member` is the person they act as."""

    def __init__(self, world: World, bot: BotProcess, environment: Mapping[str, str], screen: Screen) -> None:
        self.world = world
        self.bot = bot
        self.store = Path(environment["DATA_DIR"]) / "bot.db"
        self.readyz = f"http://127.0.0.1:{environment['HTTP_PORT']}/readyz"
        self.screen = screen
        self.member: Member = world.alice
        self._reply: Callable[[], list[Message]] = list

    @property
    def commands(self) -> list[Json]:
        """The commands that the bot registered and this server shows."""
        return self.world.general.world.commands.usable_in(self.world.guild.id)

    @property
    def reply(self) -> list[Message]:
        """What answers the last action, as it is now."""
        return [message for message in self._reply() if not message.deleted]

    async def slash(self, line: str) -> None:
        """Use a slash command as typed, and show its answer."""
        typed = slash_line.read(line, self.commands)
        if not typed.command:
            raise RefusedError("which command? Tab shows them")
        calls = self._gemini_calls
        use = await self.member.slash(typed.command, typed.options(), channel=self.world.general)
        await self._answer(use, calls)

    async def click(self, name: str) -> None:
        """Press the newest enabled button of that name (its label, emoji, or a word of its id)."""
        for message in reversed(self.visible_messages()):
            for button in buttons(message):
                if is_named(button, name):
                    calls = self._gemini_calls
                    await self._answer(await self.member.click(message, button["custom_id"]), calls)
                    return
        pressable = [button for message in self.visible_messages() for button in buttons(message)]
        there = sorted({str(button.get("label") or button["custom_id"]) for button in pressable})
        raise RefusedError(f"there is no button {name} (there is: {', '.join(there) or 'none'})")

    async def say(self, text: str) -> None:
        """Write in #general, and wait for an answer where the bot is mentioned."""
        calls = self._gemini_calls
        mine = await self.member.say(self.world.general, text)
        if self.world.general.world.bot in mine.mentions:
            await self._conversation(mine, calls)

    async def dm(self, text: str) -> None:
        """Write to the bot directly, and wait for its answer."""
        calls = self._gemini_calls
        await self._conversation(await self.member.dm(text), calls)

    def player(self) -> Player | None:
        """Lavalink's player of this server, None while it has no track."""
        players = self.world.lavalink.players(self.world.guild.id)
        return next((player for player in players if player.current is not None), None)

    def visible_messages(self) -> list[Message]:
        """What this person sees in #general, oldest first: everyone's messages, their own private answers."""
        return [message for message in self.world.general.all_messages.values() if self._sees(message)]

    def _sees(self, message: Message) -> bool:
        reader = message.interaction.person.user if message.interaction else None
        return not message.deleted and (not message.ephemeral or reader is self.member.user)

    @property
    def _gemini_calls(self) -> int:
        return len(self.world.gemini.account.calls)

    async def _conversation(self, mine: Message, calls: int) -> None:
        def answers() -> list[Message]:
            bot = mine.channel.world.bot
            return [one for one in mine.channel.messages if one.id > mine.id and one.author is bot]

        self._reply = answers
        with self.screen.gathering():
            try:
                await mine.channel.world.changes.until(answers, ANSWER_TIMEOUT, "an answer")
            except TimeoutError as error:
                raise RefusedError(str(error)) from None
            await self._settle(calls)

    async def _answer(self, use: Interaction, calls: int) -> None:
        self._reply = lambda: use.messages or ([use.source] if use.source else [])
        with self.screen.gathering():
            try:
                await use.finished(lambda use: use.acknowledged, ANSWER_TIMEOUT)
                # A press may be taken without a word; what it does then shows elsewhere.
                if use.source is None or use.original is not use.source:
                    await use.answered(ANSWER_TIMEOUT)
            except TimeoutError as error:
                raise RefusedError(NO_ANSWER if use.failed else str(error)) from None
            await self._settle(calls)

    async def _settle(self, calls: int) -> None:
        """Wait until the answer changes no more; Gemini had been called `calls` times before it was asked for."""
        changes = self.world.general.world.changes
        quiet = QUIET_STREAM if self._gemini_calls > calls else QUIET

        def state() -> list[tuple[int, int]]:
            return [(message.id, len(message.versions)) for message in self.reply]

        try:
            async with asyncio.timeout(ANSWER_TIMEOUT):
                while True:
                    before = state()
                    await changes.until(lambda before=before: state() != before, quiet, "another edit")
        except TimeoutError:
            return


def buttons(message: Message) -> list[Json]:
    """The buttons of a message that can be pressed now."""
    return [
        part
        for part in walk(message.components)
        if part["type"] == BUTTON and "custom_id" in part and not part.get("disabled")
    ]


def is_named(button: Json, name: str) -> bool:
    """Whether a person would call the button `name`."""
    emoji: Json = button.get("emoji") or {}
    own_id = button["custom_id"].casefold()
    label = str(button.get("label", "")).casefold()
    return name.casefold() in (*re.split(r"[\W_]+", own_id), own_id, label, emoji.get("name"))
