"""A player's voice connection: joining, losing, joining again, leaving."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Self

import discord
import wavelink

from services.errors import UserError
from services.lavalink.faults import VoiceUnavailable
from services.lavalink.node import Node
from services.playback import Playback
from services.rows import EndReason

if TYPE_CHECKING:
    from discord.types.voice import GuildVoiceState

log = logging.getLogger("bot.lavalink")
JOIN_S = 8.0
REJOINS = 3
REJOIN_PERIOD_S = 600.0


class VoicePlayer(wavelink.Player):
    """`wavelink.Player` that outlives a lost voice connection, and whose end is always recorded."""

    def __init__(
        self,
        client: discord.Client,
        channel: discord.VoiceChannel | discord.StageChannel,
        *,
        node: Node,
        playback: Playback,
    ) -> None:
        super().__init__(client, channel, nodes=[node])
        self.lavalink = node
        self.playback = playback
        self.guild_id = channel.guild.id
        self.key = str(channel.guild.id)
        """The guild's id as the rows have it."""
        self.leaving: EndReason = "stopped"
        """Why the current play ends if the player is destroyed."""
        self.idle_since: float | None = None
        self.paused_since: float | None = None
        self.alone_since: float | None = None
        self._rejoining = False
        self._rejoins: deque[float] = deque(maxlen=REJOINS)

    @classmethod
    async def join(cls, channel: discord.VoiceChannel | discord.StageChannel, node: Node, playback: Playback) -> Self:
        """A player in `channel` on `node`.

        Raises:
            VoiceUnavailable: Discord or the node did not bring the voice connection about within 8 s.
        """
        player: Self | None = None

        def make(client: discord.Client, where: discord.abc.Connectable) -> Self:
            nonlocal player
            player = cls(client, channel, node=node, playback=playback)
            return player

        try:
            joined = await channel.connect(cls=make, timeout=JOIN_S, self_deaf=True)
            if not joined.connected:
                raise TimeoutError  # the node did not take the connection
        except (wavelink.ChannelTimeoutException, discord.ClientException, TimeoutError) as error:
            # wavelink's time-out is none to discord.py, which would keep the dead player for ever.
            if player is not None:
                await player.stop_all()
            raise VoiceUnavailable from error
        if isinstance(channel, discord.StageChannel):
            # A bot enters a stage as a listener.
            with suppress(discord.HTTPException):
                await channel.guild.me.edit(suppress=False)
        return joined

    @property
    def has_listeners(self) -> bool:
        """Whether anybody but bots is in the channel; a member who is not cached counts as one."""
        states = self.channel.voice_states
        members = (self.channel.guild.get_member(user_id) for user_id in states)
        return any(member is None or not member.bot for member in members)

    def changed(self) -> None:
        """Tell whoever shows the player that it looks different now."""
        self.client.dispatch("music_changed", self)

    async def stop_all(self, reason: EndReason = "stopped") -> None:
        """End what plays for `reason`, and leave the channel."""
        self.leaving = reason
        try:
            async with asyncio.timeout(JOIN_S):
                await self.disconnect()
        except (TimeoutError, ConnectionError) as error:
            log.warning("Guild %s could not be left: %r", self.key, error)

    async def abandon(self) -> None:
        """The channel or the whole server is gone: nothing is left that could be left."""
        await self._destroy()

    async def retire(self) -> None:
        """Leave because nobody listens or nothing plays."""
        log.info("Guild %s: leaving, nobody listens or nothing plays", self.key)
        self.client.dispatch("music_retired", self)
        await self.stop_all()

    async def rejoin(self) -> None:
        """Leave the channel and join it again, because the voice connection was lost; not for ever."""
        now = time.monotonic()
        full = len(self._rejoins) == REJOINS and now - self._rejoins[0] < REJOIN_PERIOD_S
        if full or self._rejoining or self.guild is None:
            if full:
                await self.stop_all("lost")
            return
        self._rejoins.append(now)
        self._rejoining = True
        log.info("Guild %s: joining the voice channel again", self.key)
        try:
            async with asyncio.timeout(JOIN_S):
                await self.guild.change_voice_state(channel=None)
                self._connection_event.clear()
                await self.guild.change_voice_state(channel=self.channel, self_deaf=True)
                await self._connection_event.wait()
                if not self.connected:
                    raise TimeoutError
        except (TimeoutError, ConnectionError):
            await self.stop_all("lost")
        finally:
            self._rejoining = False

    async def on_voice_state_update(self, data: GuildVoiceState, /) -> None:
        """Discord's word of where the bot is; None is nowhere, unless it is only leaving to join again."""
        if not data["channel_id"] and self._rejoining:
            return
        channel = self.channel
        await super().on_voice_state_update(data)
        # A channel that is not cached would make the player forget its guild.
        self.channel = self.channel or channel

    async def send_voice(self) -> None:
        """Give the node the voice connection that Discord gave; nothing where Discord gave none yet.

        Raises:
            NodeUnavailable, NodeRefused: the node did not take it.
        """
        await super()._dispatch_voice_update()

    async def _dispatch_voice_update(self) -> None:
        try:
            await self.send_voice()
        except UserError as error:
            # A node hangs on a voice server that it cannot reach until its player is gone (seen on 4.2.2).
            log.warning("Guild %s: the node did not take the voice connection: %r", self.key, error)
            await self.lavalink.destroy_quietly(self.guild_id)
            # Whoever waits for the connection need not wait on.
            self._connected = False
            self._connection_event.set()

    async def _disconnected_wait(self, code: int, by_remote: bool) -> None:
        """wavelink's own handling marks a playing player as not connected after a late 4014."""

    async def _destroy(self, with_invalidate: bool = True) -> None:
        if with_invalidate:
            self.playback.closed(self.key, self.leaving)
            self._current = None
            self.changed()
        await super()._destroy(with_invalidate)
