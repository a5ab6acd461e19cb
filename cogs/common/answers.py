"""Answering a person: in whose language, and by whichever call Discord still takes."""

from __future__ import annotations

import logging
from typing import Any

import discord
from discord.utils import MISSING

from services.i18n import Locale, locale_of

log = logging.getLogger("bot.answers")


def user_locale(interaction: discord.Interaction[Any]) -> Locale:
    """The language of an answer that only the person sees."""
    return locale_of(interaction.locale, "en")


def guild_locale(interaction: discord.Interaction[Any]) -> Locale:
    """The language of an answer that everybody sees: the server's; in a direct message the person's."""
    if interaction.guild_id is None or interaction.guild_locale is None:
        return user_locale(interaction)
    return locale_of(interaction.guild_locale, "en")


def fault_locale(interaction: discord.Interaction[Any]) -> Locale:
    """The language of a private answer. After a public defer everybody sees it: Discord lets the first follow-up take
    the place of the deferred answer."""
    deferred = interaction.response.type is discord.InteractionResponseType.deferred_channel_message
    return guild_locale(interaction) if deferred else user_locale(interaction)


async def tell(
    interaction: discord.Interaction[Any],
    content: str | None = None,
    *,
    embed: discord.Embed | None = None,
    view: discord.ui.View | None = None,
    private: bool = False,
) -> None:
    """Answer, or follow up after an answer or a defer; `private` holds unless a public defer came first."""
    send = interaction.followup.send if interaction.response.is_done() else interaction.response.send_message
    await send(content or MISSING, embed=embed or MISSING, view=view or MISSING, ephemeral=private)
