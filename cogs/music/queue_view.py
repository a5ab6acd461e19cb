"""The queue, a page at a time."""

from __future__ import annotations

from typing import Any

import discord

from cogs.common.faults import answer_fault
from cogs.music.presented import pages, queue_embed
from services.i18n import Locale
from services.lavalink import Player
from services.playback import Playback

OPEN_S = 600.0
"""The token of the answer lives 15 min; after this nobody leafs any more."""


class QueueView(discord.ui.View):
    """Two buttons to leaf; every page shows the queue as it is then."""

    def __init__(self, player: Player, playback: Playback, locale: Locale) -> None:
        super().__init__(timeout=OPEN_S)
        self._player = player
        self._playback = playback
        self._locale: Locale = locale
        self._page = 0
        self._set_buttons()

    def embed(self) -> discord.Embed:
        """The current page."""
        playing = self._playback.playing(self._player.key)
        return queue_embed(playing, self._player.upcoming, self._page, self._locale)

    @discord.ui.button(custom_id="previous", emoji="◀️")
    async def previous(self, interaction: discord.Interaction[Any], _: discord.ui.Button[QueueView]) -> None:
        """One page back."""
        await self._turn(interaction, -1)

    @discord.ui.button(custom_id="next", emoji="▶️")
    async def next(self, interaction: discord.Interaction[Any], _: discord.ui.Button[QueueView]) -> None:
        """One page on."""
        await self._turn(interaction, 1)

    async def on_error(
        self, interaction: discord.Interaction[Any], error: Exception, item: discord.ui.Item[Any], /
    ) -> None:
        """As the commands do it."""
        await answer_fault(interaction, error)

    async def _turn(self, interaction: discord.Interaction[Any], by: int) -> None:
        self._page += by
        self._set_buttons()
        await interaction.response.edit_message(embed=self.embed(), view=self)

    def _set_buttons(self) -> None:
        last = pages(len(self._player.upcoming)) - 1
        self._page = min(max(self._page, 0), last)
        self.previous.disabled = self._page == 0
        self.next.disabled = self._page == last
