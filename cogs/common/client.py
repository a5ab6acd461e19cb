"""The bot's side of the connection to Discord: who it is, where it is, and what it does with faults."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Any

import discord
import yarl
from discord.ext import commands
from discord.gateway import DiscordWebSocket

from cogs.common.connection import Unwind, relaunch
from cogs.common.faults import answer_fault, nobody_hears, note_fault
from cogs.common.tree import Tree
from services.health import ServiceState
from services.tasks import log_failure

log = logging.getLogger("bot")

# None of these is privileged. `guild_messages` brings mentions, `dm_messages` direct messages.
INTENTS = discord.Intents(guilds=True, voice_states=True, guild_messages=True, dm_messages=True)


class Client(commands.AutoShardedBot):
    """A bot without cogs. Once it knows its guilds for the first time, it calls `begin`.

    Args:
        gateway_url: where its shards connect; None for where Discord says.
    """

    def __init__(self, gateway_url: str | None) -> None:
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            tree_cls=Tree,
            intents=INTENTS,
            allowed_mentions=discord.AllowedMentions.none(),
            max_messages=None,
            chunk_guilds_at_startup=False,
        )
        self._gateway_url = gateway_url
        self._background: set[asyncio.Task[None]] = set()
        self._launching: set[int] = set()
        self._begun = False

    def begin(self) -> None:
        """The guilds are known."""
        raise NotImplementedError

    def owns(self, guild_id: str) -> bool:
        """Whether the guild is of this process's shards, by Discord's formula."""
        return guild_id.isdigit() and (int(guild_id) >> 22) % (self.shard_count or 1) in self.shards

    def has_joined(self, guild_id: str) -> bool:
        """Whether the bot is in the guild."""
        return guild_id.isdigit() and self.get_guild(int(guild_id)) is not None

    @property
    def state(self) -> ServiceState:
        """How the connection is."""
        if self.is_ready() and not self.is_closed() and any(not shard.is_closed() for shard in self.shards.values()):
            return ServiceState("ok", needed=True)
        if not self._begun:
            return ServiceState("starting", "Discord has not let the bot in yet", needed=True)
        return ServiceState("down", "the connection to Discord is lost and is made anew", needed=True)

    def keep_running(self, work: Any, name: str) -> None:
        """Run `work` beside the bot until it ends or the bot does; a fault in it is logged."""
        task = asyncio.create_task(work, name=name)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        task.add_done_callback(log_failure)

    async def close(self) -> None:
        """Leave Discord and end what runs beside."""
        for task in self._background:
            task.cancel()
        await super().close()

    async def launch_shard(self, gateway: yarl.URL, shard_id: int, *, initial: bool = False) -> None:
        """Connect a shard to the gateway's own URL where one is set, else to where Discord says."""
        if self._gateway_url:
            gateway = yarl.URL(self._gateway_url)
        DiscordWebSocket.DEFAULT_GATEWAY = gateway
        if shard_id in self._launching:
            raise Unwind
        self._launching.add(shard_id)
        try:
            await relaunch(lambda first: super(Client, self).launch_shard(gateway, shard_id, initial=first), initial)
        finally:
            self._launching.discard(shard_id)

    async def on_ready(self) -> None:
        """Discord says so after each new session; the first is the beginning."""
        if self._begun or self.is_closed():
            return
        self._begun = True
        log.info("Started as %s; servers: %d, shards: %d", self.user, len(self.guilds), self.shard_count or 1)
        self.begin()

    async def on_message(self, message: discord.Message) -> None:
        """No text commands: a mention is the chat cog's."""

    async def on_guild_join(self, guild: discord.Guild) -> None:
        """A server's coming is an event for the log."""
        log.info("Joined the server %s (%d)", guild.name, guild.id)

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """So is its going."""
        log.info("Left the server %s (%d)", guild.name, guild.id)

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        """A listener's fault: told to the person of an interaction; where nobody waits, it goes to the log alone."""
        error = sys.exc_info()[1]
        interactions: list[Any] = [each for each in args if isinstance(each, discord.Interaction)]
        if interactions and error is not None:
            await answer_fault(interactions[0], error)
        elif not nobody_hears(error, self):
            note_fault(error, event_method)
