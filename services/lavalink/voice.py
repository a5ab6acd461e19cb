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
from services.lavalink.faults import NotSpeaking, VoiceUnavailable
from services.lavalink.node import Node
from services.playback import Playback
from services.rows import EndReason

if TYPE_CHECKING:
    from discord.types.voice import GuildVoiceState

log = logging.getLogger("bot.lavalink")
JOIN_S = 8.0
REJOINS = 3
REJOIN_PERIOD_S = 600.0
RETRY_S = 3.0
"""What failed on a node that is there is tried again after so long."""


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
        self.adrift_since: float | None = None
        """Since when its node is gone, or knows nothing of it any more; None while all is well."""
        self.retry_at: float | None = None
        """When to try again to play on; None where nothing is to be tried, or the node has to come back first."""
        self.gone = False
        """Whether it has left for good: nothing may be played by it any more."""
        self._rejoining = False
        self._expects_to_leave = False
        self._stepped_up_on: int | None = None
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
        except (wavelink.ChannelTimeoutException, discord.ClientException, TimeoutError, ConnectionError) as error:
            # wavelink's time-out is none to discord.py, which would keep the dead player for ever.
            if player is not None:
                await player.stop_all()
            raise VoiceUnavailable from error
        return joined

    @property
    def has_listeners(self) -> bool:
        """Whether anybody but bots is in the channel; a member who is not cached counts as one."""
        members = (self.channel.guild.get_member(user_id) for user_id in self.channel.voice_states)
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
        except (TimeoutError, ConnectionError, discord.ClientException) as error:
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
        if self._rejoining or self.gone:
            return
        now = time.monotonic()
        if len(self._rejoins) == REJOINS and now - self._rejoins[0] < REJOIN_PERIOD_S:
            await self.stop_all("lost")
            return
        self._rejoins.append(now)
        log.info("Guild %s: joining the voice channel again", self.key)
        try:
            await self.reenter()
        except VoiceUnavailable:
            await self.stop_all("lost")

    async def reenter(self) -> None:
        """Leave the channel and join it again, for a new voice connection with a new key.

        Raises:
            VoiceUnavailable: it did not come about within 8 s.
        """
        guild = self.channel.guild
        self._rejoining = self._expects_to_leave = True
        try:
            async with asyncio.timeout(JOIN_S):
                await guild.change_voice_state(channel=None)
                self._connection_event.clear()
                await guild.change_voice_state(channel=self.channel, self_deaf=True)
                await self._connection_event.wait()
        except (TimeoutError, ConnectionError, discord.ClientException) as error:
            raise VoiceUnavailable from error
        finally:
            self._rejoining = self._expects_to_leave = False
        if not self._connected:
            raise VoiceUnavailable  # the node did not take it

    async def step_up(self) -> None:
        """Become a speaker on the stage, where a bot enters as a listener; else ask to be made one."""
        self._stepped_up_on = self.channel.id
        me = self.channel.guild.me
        try:
            await me.edit(suppress=False)
        except discord.HTTPException:
            with suppress(discord.HTTPException, discord.ClientException):
                await me.request_to_speak()
            self.client.dispatch("music_trouble", self, None, NotSpeaking())

    @property
    def should_step_up(self) -> bool:
        """Whether it is a listener on a stage, and has not yet done anything about it."""
        if not isinstance(self.channel, discord.StageChannel) or self._stepped_up_on == self.channel.id:
            return False
        voice = self.channel.guild.me.voice
        return voice is not None and voice.suppress

    def renew(self, guild: discord.Guild) -> None:
        """`guild` replaces the object of the same guild: a new session with Discord knows nothing of the old one's."""
        self._guild = guild
        channel = guild.get_channel(self.channel.id)
        if isinstance(channel, discord.VoiceChannel | discord.StageChannel):
            self.channel = channel

    def drift(self, *, retry: bool = False) -> None:
        """The node is gone, or knows nothing of this player any more; `retry` to play on there soon."""
        self.adrift_since = self.adrift_since or time.monotonic()
        self.retry_at = time.monotonic() + RETRY_S if retry else None
        self.playback.node_lost(self.key)
        self.changed()

    async def on_voice_state_update(self, data: GuildVoiceState, /) -> None:
        """Discord's word of where the bot is; None is nowhere, unless it is only leaving to join again."""
        if not data["channel_id"] and self._expects_to_leave:
            self._expects_to_leave = False
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
            log.warning("Guild %s: the node did not take the voice connection: %r", self.key, error)
            if self._rejoining or not self._connection_event.is_set():
                # Whoever waits for the connection need not wait on.
                self._connected = False
                self._connection_event.set()
            elif self.adrift_since is None:
                self.drift(retry=True)
            # A node hangs on a voice server that it cannot reach until its player is gone (seen on 4.2.2).
            await self.lavalink.destroy_quietly(self.guild_id)

    async def _disconnected_wait(self, code: int, by_remote: bool) -> None:
        """wavelink's own handling marks a playing player as not connected after a late 4014."""

    async def _destroy(self, with_invalidate: bool = True) -> None:
        if with_invalidate:
            self.gone = True
            self.playback.closed(self.key, self.leaving)
            self._current = self._original = None
            self.changed()
        await super()._destroy(with_invalidate)
