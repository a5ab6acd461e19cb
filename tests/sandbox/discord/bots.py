"""Real discord.py bots in the event loop of the test."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Any, TypeAlias

import discord as dpy
import pytest
from discord import app_commands
from discord.ext import commands

from sandbox.discord import Channel, DiscordStandIn, Guild, Member
from tests.heartbeats import end_heartbeats

INTENTS = dpy.Intents(guilds=True, voice_states=True, guild_messages=True, dm_messages=True)
Use: TypeAlias = dpy.Interaction[Any]


class Place:
    """One server with a text and a voice channel and a member, as most tests want it."""

    def __init__(self, discord: DiscordStandIn) -> None:
        self.discord = discord
        self.guild: Guild = discord.add_guild("Sandbox")
        self.general: Channel = self.guild.add_text_channel("general")
        self.music: Channel = self.guild.add_voice_channel("music")
        self.alice: Member = self.guild.add_member("alice")


class SandboxBot(commands.AutoShardedBot):
    """Registers the given commands, and keeps what the gateway told it."""

    def __init__(self, *tree_commands: Any, translator: app_commands.Translator | None = None, **options: Any) -> None:
        settings: dict[str, Any] = {"intents": INTENTS, "guild_ready_timeout": 0.05, "max_messages": None}
        super().__init__(commands.when_mentioned, **(settings | options))
        self.heard: list[dpy.Message] = []
        self.events: list[str] = []
        self._hearing = asyncio.Condition()
        self._translator = translator
        for command in tree_commands:
            self.tree.add_command(command)

    async def setup_hook(self) -> None:
        if self._translator is not None:
            await self.tree.set_translator(self._translator)
        await self.tree.sync()

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Not five seconds between two shards, as discord.py would have it."""

    async def on_message(self, message: dpy.Message, /) -> None:
        async with self._hearing:
            self.heard.append(message)
            self._hearing.notify_all()

    async def hears(self, count: int) -> list[dpy.Message]:
        """Wait until this many messages have arrived."""
        async with self._hearing:
            await asyncio.wait_for(self._hearing.wait_for(lambda: len(self.heard) >= count), 5)
        return self.heard

    async def on_socket_event_type(self, event: str) -> None:
        self.events.append(event)


@contextlib.asynccontextmanager
async def running(stand_in: DiscordStandIn, *tree_commands: Any, **options: Any) -> AsyncGenerator[SandboxBot]:
    """Run a bot until the end of the block; fails if it asked for a route that is not there."""
    bot = SandboxBot(*tree_commands, **options)
    task = asyncio.create_task(bot.start(stand_in.token))
    ready = asyncio.create_task(stand_in.bot_ready(timeout=10))
    try:
        await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
        await (task if task.done() else ready)
        yield bot
    finally:
        ready.cancel()
        await bot.close()
        await asyncio.gather(task, ready, return_exceptions=True)
        await end_heartbeats()
    assert stand_in.unknown_requests == []


async def code_of(request: Any) -> tuple[int, int]:
    """Status and code with which a request is refused."""
    with pytest.raises(dpy.HTTPException) as refused:
        await request
    return refused.value.status, refused.value.code
