"""What happens to the music without anybody asking."""

from __future__ import annotations

import asyncio
import logging

import discord
from discord.ext import commands

from cogs.common.connection import PASSING
from cogs.music.here import player_in
from cogs.music.panel import Panels
from services.errors import UserError
from services.i18n import N_, Locale, locale_of, say
from services.lavalink import Player
from services.safe_text import shown

log = logging.getLogger("bot.music")


class MusicListeners(commands.Cog):
    """Follows the players with panels and sentences, and Discord with the players.

    What the nodes report is recorded before it gets here (`services.lavalink.events`).
    """

    def __init__(self, bot: commands.AutoShardedBot, panels: Panels, default_locale: Locale) -> None:
        self.bot = bot
        self.panels = panels
        self._default_locale: Locale = default_locale

    @commands.Cog.listener()
    async def on_music_changed(self, player: Player) -> None:
        """It looks different now."""
        self.panels.refresh(player)

    @commands.Cog.listener()
    async def on_music_trouble(self, player: Player, title: str | None, error: UserError) -> None:
        """A track could not be played, or not to its end."""
        locale = self._locale(player)
        if title is None:
            await self._say(player, error.text(locale))
            return
        why = error.text(locale)
        await self._say(player, say(locale, "Trouble with {title}: {why}", title=shown(title, 200), why=why))

    @commands.Cog.listener()
    async def on_music_given_up(self, player: Player) -> None:
        """Track after track failed."""
        await self._say(player, say(self._locale(player), N_("Too many tracks failed in a row, so I stopped.")))

    @commands.Cog.listener()
    async def on_music_retired(self, player: Player) -> None:
        """Nobody listened, or nothing played."""
        await self._say(player, say(self._locale(player), N_("I left the voice channel: nothing was to be done.")))

    @commands.Cog.listener()
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Of a server that is left nothing arrives any more, not even the end of a track."""
        self.panels.forget(guild.id)
        if player := player_in(guild):
            await player.abandon()

    @commands.Cog.listener()
    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        """A player whose channel is gone is gone with it."""
        player = player_in(channel.guild)
        if player is not None and player.channel.id == channel.id:
            await player.abandon()

    @commands.Cog.listener()
    async def on_shard_ready(self, shard_id: int) -> None:
        """A new session with Discord may know nothing of the voice connections, or of some that are none any more."""
        await asyncio.gather(*(self._reconcile(guild) for guild in self.bot.guilds if guild.shard_id == shard_id))

    async def _reconcile(self, guild: discord.Guild) -> None:
        if guild.unavailable:
            return
        player, here = player_in(guild), guild.me.voice
        if player is None:
            if here is not None and guild.voice_client is None:
                log.info("Leaving a voice channel of %d that an earlier run joined", guild.id)
                await guild.change_voice_state(channel=None)
            return
        player.renew(guild)
        if here is None:
            await player.rejoin()

    def _locale(self, player: Player) -> Locale:
        return locale_of(player.channel.guild.preferred_locale, self._default_locale)

    async def _say(self, player: Player, sentence: str) -> None:
        if player.home is None:
            return
        try:
            await player.home.send(sentence)
        except PASSING as error:
            log.info("Guild %s: a sentence could not be sent (%s)", player.key, error or type(error).__name__)
