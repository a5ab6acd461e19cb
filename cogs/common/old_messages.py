"""Buttons and menus of messages that this process knows nothing of any more."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import discord
from discord.ext import commands

from cogs.common.answers import tell, user_locale
from services.i18n import N_, say

PATIENCE = 2.0
"""Whoever knows the button has answered by then; Discord waits for 3 s, and then shows a failure."""
TOO_OLD = N_("These buttons are too old. Please use the command again.")


class OldMessages(commands.Cog):
    """Views end with their time-out and with the process; their messages stay, and people press on."""

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        """Answer a press that nobody else has answered."""
        if interaction.type not in {discord.InteractionType.component, discord.InteractionType.modal_submit}:
            return
        await asyncio.sleep(PATIENCE)
        if not interaction.response.is_done():
            with contextlib.suppress(discord.HTTPException, discord.InteractionResponded):
                await tell(interaction, say(user_locale(interaction), TOO_OLD), private=True)
