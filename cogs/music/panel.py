"""The message with the buttons: one a guild, edited when something changes."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import Any

import discord

from cogs.common.connection import PASSING, RETRY_SECONDS, is_final
from cogs.common.faults import answer_fault
from cogs.music.here import controlled
from cogs.music.presented import TITLE_CHARACTERS, playing_embed
from services.errors import UserError
from services.i18n import N_, Locale, say
from services.lavalink import Player
from services.live_play import Playing
from services.playback import Playback
from services.safe_text import shown

log = logging.getLogger("bot.music")
EDIT_S = 1.2
"""At most one edit in so long; the latest look wins."""
LONGEST_RETRY_S = 60.0
"""Failed edits are tried again ever later: of an address that Discord has blocked each one counts (10,000 in 10 minutes
are too many), and every server has a panel."""
FRESH_S = 3300.0
"""Messages older than an hour have a much tighter limit for edits (Discord error 30046)."""


class PanelView(discord.ui.View):
    """Pause or resume, skip, stop. Its custom ids are the same for ever: a press of an old panel still works."""

    def __init__(self, playing: Playing | None, locale: Locale) -> None:
        super().__init__(timeout=None)
        resume = playing is not None and playing.paused
        self.pause.label = say(locale, "Resume") if resume else say(locale, "Pause")
        self.pause.emoji = discord.PartialEmoji(name="▶️" if resume else "⏸️")
        self.skip.label = say(locale, "Skip")
        self.stop_playing.label = say(locale, "Stop")

    @discord.ui.button(custom_id="pause", style=discord.ButtonStyle.primary)
    async def pause(self, interaction: discord.Interaction[Any], _: discord.ui.Button[PanelView]) -> None:
        """Pause what plays, resume what is paused."""
        player = controlled(interaction)
        if player.current is None:
            raise UserError(N_("Nothing is playing here."))
        await interaction.response.defer()
        await player.pause(not player.paused)

    @discord.ui.button(custom_id="skip", emoji="⏭️", style=discord.ButtonStyle.secondary)
    async def skip(self, interaction: discord.Interaction[Any], _: discord.ui.Button[PanelView]) -> None:
        """On to the next track."""
        player = controlled(interaction)
        await interaction.response.defer()
        await player.skip_current(by=interaction.user.id)

    @discord.ui.button(custom_id="stop", emoji="⏹️", style=discord.ButtonStyle.danger)
    async def stop_playing(self, interaction: discord.Interaction[Any], _: discord.ui.Button[PanelView]) -> None:
        """Stop, and leave."""
        player = controlled(interaction)
        await interaction.response.defer()
        await player.stop_playing()

    async def on_error(
        self, interaction: discord.Interaction[Any], error: Exception, item: discord.ui.Item[Any], /
    ) -> None:
        """As the commands do it."""
        await answer_fault(interaction, error)


@dataclass(slots=True)
class _Panel:
    message: discord.PartialMessage
    player: Player
    locale: Locale
    posted_at: float
    title: str
    """What played when it was last edited or posted."""
    changed: bool = False
    editing: asyncio.Task[None] | None = None


class Panels:
    """The panels of all guilds. Where the bot may not write or edit, there is just no panel."""

    def __init__(self, playback: Playback) -> None:
        self._playback = playback
        self._panels: dict[int, _Panel] = {}
        self._retiring: set[asyncio.Task[None]] = set()

    def look(self, player: Player, locale: Locale) -> dict[str, Any]:
        """`embed` and `view` of the panel as it should look now."""
        playing = self._playback.playing(player.key)
        view = PanelView(playing, locale) if playing else None
        if view is not None:
            # One registered view hears all panels; discord.py need not remember each message.
            view.stop()
        return {"embed": playing_embed(playing, len(player.upcoming), locale), "view": view}

    def adopt(self, player: Player, message: discord.PartialMessage, locale: Locale) -> None:
        """From now on `message` is the guild's panel; of the one before only the title of its track stays."""
        before = self._panels.get(player.guild_id)
        self._panels[player.guild_id] = _Panel(message, player, locale, time.monotonic(), self._title(player))
        if before is not None and before.message.id != message.id:
            retiring = asyncio.create_task(_retire(before.message, before.title))
            self._retiring.add(retiring)
            retiring.add_done_callback(self._retiring.discard)

    def refresh(self, player: Player) -> None:
        """Something changed: the panel follows soon."""
        panel = self._panels.get(player.guild_id)
        if panel is None or panel.player is not player:
            return
        panel.changed = True
        if panel.editing is None or panel.editing.done():
            panel.editing = asyncio.create_task(self._follow(panel))

    def forget(self, guild_id: int) -> None:
        """The guild is gone."""
        self._panels.pop(guild_id, None)

    def close(self) -> None:
        """Edit no more."""
        editing = {panel.editing for panel in self._panels.values() if panel.editing is not None}
        for task in editing | self._retiring:
            task.cancel()

    async def _follow(self, panel: _Panel) -> None:
        pause = RETRY_SECONDS
        while panel.changed and self._panels.get(panel.player.guild_id) is panel:
            panel.changed = False
            if self._between_tracks(panel.player):
                return
            try:
                await self._show(panel)
            except PASSING as error:
                why = error or type(error).__name__
                log.info("Guild %s: the panel could not be edited (%s)", panel.player.key, why)
                if is_final(error):
                    self.forget(panel.player.guild_id)
                    return
                panel.changed = True
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_RETRY_S)
            else:
                pause = RETRY_SECONDS
            await asyncio.sleep(EDIT_S)

    async def _show(self, panel: _Panel) -> None:
        look = self.look(panel.player, panel.locale)
        if look["view"] is None or time.monotonic() - panel.posted_at < FRESH_S:
            await panel.message.edit(**look)
        else:
            channel = panel.player.client.get_partial_messageable(panel.message.channel.id)
            message = await channel.send(**look)
            await _retire(panel.message, panel.title)
            panel.message = channel.get_partial_message(message.id)
            panel.posted_at = time.monotonic()
        panel.title = self._title(panel.player) or panel.title

    def _between_tracks(self, player: Player) -> bool:
        # The session goes on: that the next track started, or that none did, is told.
        return self._playback.playing(player.key) is None and player.key in self._playback.live()

    def _title(self, player: Player) -> str:
        playing = self._playback.playing(player.key)
        return playing.title if playing else ""


async def _retire(message: discord.PartialMessage, title: str) -> None:
    # Nothing will tell the message of a change any more: only what was played stays true.
    try:
        await message.edit(content=shown(title, TITLE_CHARACTERS), embed=None, view=None)
    except PASSING as error:
        log.debug("An old panel stays as it is: %s", error)
