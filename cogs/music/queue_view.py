"""The queue, a page at a time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import discord
import wavelink

from cogs.music.presented import pages, queue_embed
from services.i18n import Locale
from services.live_play import Playing

_BUTTON = re.compile(r"queue:(-?\d{1,4})")


class QueueView(discord.ui.View):
    """Two buttons that name the page they lead to: nothing has to be remembered, and they outlive a restart."""

    def __init__(self, page: int, last: int) -> None:
        super().__init__(timeout=None)
        for emoji, to in (("◀️", page - 1), ("▶️", page + 1)):
            self.add_item(discord.ui.Button(emoji=emoji, custom_id=f"queue:{to}", disabled=not 0 <= to <= last))
        # `page_meant` hears the buttons; discord.py need not remember each message.
        self.stop()


def queue_page(
    playing: Playing | None, upcoming: Sequence[wavelink.Playable], page: int, locale: Locale
) -> dict[str, Any]:
    """`embed` and `view` of the page that is nearest to `page`, as the queue is now."""
    last = pages(len(upcoming)) - 1
    page = min(max(page, 0), last)
    return {"embed": queue_embed(playing, upcoming, page, locale), "view": QueueView(page, last)}


def page_meant(interaction: discord.Interaction[Any]) -> int | None:
    """The page to which the pressed button leads; None for any other interaction."""
    data: Any = interaction.data or {}
    found = _BUTTON.fullmatch(str(data.get("custom_id", "")))
    return int(found[1]) if found and interaction.type is discord.InteractionType.component else None
