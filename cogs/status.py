"""`/status` and `/help`: how the bot is, and what it can do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from cogs.common.answers import tell, user_locale
from services.health import Condition, ServiceState
from services.i18n import N_, Locale, say

NAMES = {
    "discord": N_("Discord"),
    "lavalink": N_("Music"),
    "gemini": N_("Chat"),
    "supabase": N_("Supabase"),
    "store": N_("Local store"),
}
CONDITIONS: dict[Condition, str] = {
    "ok": N_("works"),
    "off": N_("is not set up"),
    "starting": N_("is starting"),
    "waiting": N_("is away for the moment; nothing is lost, and it goes on by itself"),
    "down": N_("does not answer; I keep trying"),
    "paused": N_("needs the operator; nothing is lost meanwhile"),
}
MARKS: dict[Condition, str] = {
    "ok": "🟢",
    "off": "⚪",
    "starting": "🟡",
    "waiting": "🟡",
    "down": "🔴",
    "paused": "🔴",
}


class Status(commands.Cog):
    """Answers in private, so that a look at the bot disturbs nobody."""

    def __init__(self, bot: commands.AutoShardedBot, states: Callable[[], dict[str, ServiceState]]) -> None:
        self._bot = bot
        self._states = states

    @app_commands.command(
        name=app_commands.locale_str(N_("status")),
        description=app_commands.locale_str(N_("How the bot is right now")),
    )
    async def status(self, interaction: discord.Interaction[Any]) -> None:
        """One line a service, in plain words; an operator finds the cause in `/readyz`."""
        await tell(interaction, embed=status_embed(self._states(), user_locale(interaction)), private=True)

    @app_commands.command(
        name=app_commands.locale_str(N_("help")),
        description=app_commands.locale_str(N_("What the bot can do")),
    )
    async def help(self, interaction: discord.Interaction[Any]) -> None:
        """The commands as they are registered, each with its description."""
        locale = user_locale(interaction)
        lines = [
            f"**/{say(locale, command.name)}** – {say(locale, command.description)}"
            for command in sorted(self._bot.tree.get_commands(), key=lambda command: command.name)
            if isinstance(command, app_commands.Command)
        ]
        lines += ["", say(locale, "Mention me or write to me directly, and I answer.")]
        await tell(
            interaction,
            embed=discord.Embed(title=say(locale, "What I can do"), description="\n".join(lines)),
            private=True,
        )


def status_embed(states: dict[str, ServiceState], locale: Locale) -> discord.Embed:
    """One line for each service of `states`."""
    lines = [
        f"{MARKS[state.condition]} **{say(locale, NAMES[name])}** {say(locale, CONDITIONS[state.condition])}"
        for name, state in states.items()
    ]
    return discord.Embed(title=say(locale, "How I am"), description="\n".join(lines))
