"""The music commands."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Any

import discord
import wavelink
from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from cogs.common.answers import guild_locale, tell, user_locale
from cogs.common.faults import answer_fault
from cogs.music.here import VoiceChannel, controlled, guild_of, joinable, player_in
from cogs.music.listeners import MusicListeners
from cogs.music.panel import Panels, PanelView
from cogs.music.presented import queued_sentence
from cogs.music.queue_view import page_meant, queue_page
from services.errors import UserError
from services.i18n import N_, say
from services.lavalink import Found, Nodes, Player, Search
from services.live_play import Playing
from services.playback import Playback
from services.safe_text import shown
from services.settings import Settings
from services.timecode import place_meant, timecode

PLAYS, SECONDS = 5, 10.0
"""A member may ask for so many tracks in so many seconds."""


class Music(MusicListeners):
    """Reads what was asked, calls the player, says what came of it."""

    def __init__(self, bot: commands.AutoShardedBot, nodes: Nodes, playback: Playback, settings: Settings) -> None:
        super().__init__(bot, Panels(playback), settings.default_locale)
        self._nodes = nodes
        self._playback = playback
        self._search = Search(nodes, settings)
        self._joining: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def cog_load(self) -> None:
        """Hear the buttons of every panel, also of an earlier run's."""
        self.bot.add_view(PanelView(None, "en"))

    async def cog_unload(self) -> None:
        """Leave the panels as they are."""
        self.panels.close()

    @app_commands.command(
        name=locale_str(N_("play")), description=locale_str(N_("Play a track or a playlist, or queue it"))
    )
    @app_commands.rename(query=locale_str(N_("query")))
    @app_commands.describe(query=locale_str(N_("Words to search for, or a link")))
    @app_commands.guild_only()
    @app_commands.checks.cooldown(PLAYS, SECONDS, key=lambda interaction: interaction.user.id)
    async def play(self, interaction: discord.Interaction[Any], query: str) -> None:
        """Join the caller's channel where needed, and play or queue what `query` finds."""
        self._nodes.check_wanted()
        channel = joinable(interaction)
        self._search.check(query)
        await interaction.response.defer()
        found = await self._search.find(query)
        player = await self._player_for(channel)
        player.home = interaction.channel if isinstance(interaction.channel, discord.abc.Messageable) else None
        added = player.enqueue(found.tracks, interaction.user.display_name)
        await self._begin(player)
        await self._tell_added(interaction, player, added, found)

    @app_commands.command(name=locale_str(N_("pause")), description=locale_str(N_("Pause the music")))
    @app_commands.guild_only()
    async def pause(self, interaction: discord.Interaction[Any]) -> None:
        """Pause the current track."""
        player, playing = self._controlled_play(interaction)
        if playing.paused:
            raise UserError(N_("The music is paused already."))
        await interaction.response.defer()
        await player.pause(True)
        await tell(interaction, say(guild_locale(interaction), "Paused."))

    @app_commands.command(name=locale_str(N_("resume")), description=locale_str(N_("Go on after a pause")))
    @app_commands.guild_only()
    async def resume(self, interaction: discord.Interaction[Any]) -> None:
        """Go on with the current track."""
        player, playing = self._controlled_play(interaction)
        if not playing.paused:
            raise UserError(N_("The music is not paused."))
        await interaction.response.defer()
        await player.pause(False)
        await tell(interaction, say(guild_locale(interaction), "Resumed."))

    @app_commands.command(name=locale_str(N_("skip")), description=locale_str(N_("Skip the current track")))
    @app_commands.guild_only()
    async def skip(self, interaction: discord.Interaction[Any]) -> None:
        """On to the next track."""
        player, playing = self._controlled_play(interaction)
        await interaction.response.defer()
        await player.skip_current(by=interaction.user.id)
        await tell(interaction, say(guild_locale(interaction), "Skipped: {title}", title=shown(playing.title, 200)))

    @app_commands.command(
        name=locale_str(N_("stop")), description=locale_str(N_("Stop the music, empty the queue and leave"))
    )
    @app_commands.guild_only()
    async def stop(self, interaction: discord.Interaction[Any]) -> None:
        """End it all."""
        player = controlled(interaction)
        await interaction.response.defer()
        await player.stop_playing()
        await tell(interaction, say(guild_locale(interaction), "Stopped."))

    @app_commands.command(name=locale_str(N_("seek")), description=locale_str(N_("Go to a place in the current track")))
    @app_commands.rename(position=locale_str(N_("position")))
    @app_commands.describe(position=locale_str(N_("1:23, 83 seconds, +10 or -10")))
    @app_commands.guild_only()
    async def seek(self, interaction: discord.Interaction[Any], position: str) -> None:
        """Go to `position`."""
        player, playing = self._controlled_play(interaction)
        if not playing.duration_ms or (player.current and not player.current.is_seekable):
            raise UserError(N_("There is no moving about in this track."))
        place = place_meant(position, playing.position_ms, playing.duration_ms)
        await interaction.response.defer()
        await player.seek(place)
        await tell(interaction, say(guild_locale(interaction), "Now at {position}.", position=timecode(place)))

    @app_commands.command(name=locale_str(N_("volume")), description=locale_str(N_("Set the volume")))
    @app_commands.rename(level=locale_str(N_("level")))
    @app_commands.describe(level=locale_str(N_("From 0 to 200; 100 is normal")))
    @app_commands.guild_only()
    async def volume(self, interaction: discord.Interaction[Any], level: int) -> None:
        """Set the volume to `level` percent."""
        player = controlled(interaction)
        player.check_volume(level)
        await interaction.response.defer()
        await player.set_volume(level)
        await tell(interaction, say(guild_locale(interaction), "Volume: {level} %", level=level))

    @app_commands.command(name=locale_str(N_("queue")), description=locale_str(N_("What plays next")))
    @app_commands.guild_only()
    async def queue(self, interaction: discord.Interaction[Any]) -> None:
        """The queue in pages, for the caller alone."""
        await tell(interaction, **self._queue_page(interaction, 0), private=True)

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        """A button under a queue: the page as it is now."""
        page = page_meant(interaction)
        if page is None:
            return
        try:
            await interaction.response.edit_message(**self._queue_page(interaction, page))
        except Exception as error:  # noqa: BLE001 - as the commands do it
            await answer_fault(interaction, error)

    def _queue_page(self, interaction: discord.Interaction[Any], page: int) -> dict[str, Any]:
        player = player_in(guild_of(interaction))
        if player is None:
            raise UserError(N_("The queue is empty."))
        return queue_page(self._playback.playing(player.key), player.upcoming, page, user_locale(interaction))

    @app_commands.command(
        name=locale_str(N_("nowplaying")), description=locale_str(N_("What plays now, and how far it is"))
    )
    @app_commands.guild_only()
    async def nowplaying(self, interaction: discord.Interaction[Any]) -> None:
        """The panel, moved down here."""
        player = player_in(guild_of(interaction))
        if player is None or self._playback.playing(player.key) is None:
            raise UserError(N_("Nothing is playing here."))
        await interaction.response.defer()
        await self._post_panel(interaction, player)

    def _controlled_play(self, interaction: discord.Interaction[Any]) -> tuple[Player, Playing]:
        player = controlled(interaction)
        playing = self._playback.playing(player.key)
        if playing is None:
            raise UserError(N_("Nothing is playing here."))
        return player, playing

    async def _player_for(self, channel: VoiceChannel) -> Player:
        async with self._joining[channel.guild.id]:
            return player_in(channel.guild) or await self._nodes.join(channel)

    async def _begin(self, player: Player) -> None:
        try:
            await player.advance()
        except UserError:
            if self._playback.playing(player.key) is None:
                await player.stop_all()
            raise

    async def _tell_added(
        self,
        interaction: discord.Interaction[Any],
        player: Player,
        added: list[wavelink.Playable],
        found: Found,
    ) -> None:
        place, locale = player.place_of(added[0]), guild_locale(interaction)
        if found.playlist is not None or place:
            await tell(interaction, queued_sentence(found, added, place, locale))
        if not place:
            await self._post_panel(interaction, player)

    async def _post_panel(self, interaction: discord.Interaction[Any], player: Player) -> None:
        locale = guild_locale(interaction)
        look = {name: part for name, part in self.panels.look(player, locale).items() if part is not None}
        message = await interaction.followup.send(**look, wait=True)
        channel = self.bot.get_partial_messageable(message.channel.id, guild_id=interaction.guild_id)
        self.panels.adopt(player, channel.get_partial_message(message.id), locale)
