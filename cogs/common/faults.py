"""The one place where an error becomes a sentence for a person."""

from __future__ import annotations

import logging
import math
import secrets
from typing import Any

import aiohttp
import discord
from discord import app_commands

from cogs.common.answers import fault_locale, tell
from services.errors import UserError
from services.i18n import Locale, say

log = logging.getLogger("bot.faults")

UNKNOWN_INTERACTION = 10062
ALREADY_ACKNOWLEDGED = 40060
TOKEN_EXPIRED = 50027
# What discord.py lets through of a connection that is being closed; the last is aiohttp's "Session is closed".
BROKEN_OFF = (aiohttp.ClientError, OSError, RuntimeError)


def explain(error: BaseException, locale: Locale) -> str:
    """One plain sentence for `error`; what nobody foresaw is logged with its cause under the id that it names."""
    if isinstance(error, app_commands.CommandInvokeError):
        error = error.original
    if isinstance(error, UserError):
        return error.text(locale)
    if isinstance(error, app_commands.CommandOnCooldown):
        return say(locale, "Please wait {seconds} s, then try again.", seconds=math.ceil(error.retry_after))
    if isinstance(error, app_commands.NoPrivateMessage):
        return say(locale, "This works in a server only.")
    if isinstance(error, app_commands.CommandNotFound | app_commands.CommandSignatureMismatch):
        return say(locale, "This command has changed. Restart Discord to see its new form.")
    if isinstance(error, app_commands.TransformerError):
        return say(locale, "I do not understand that value.")
    if isinstance(error, app_commands.CheckFailure):
        return say(locale, "You may not do that here.")
    if isinstance(error, discord.Forbidden):
        return say(locale, "Discord does not let me do that here; an administrator can check my permissions.")
    return say(
        locale,
        "Something went wrong on my side. The operator finds the cause under the id {id}.",
        id=note_fault(error),
    )


def note_fault(error: BaseException | None, where: str = "") -> str:
    """Log what nobody foresaw, with its cause, under an id of its own; the id."""
    fault_id = secrets.token_hex(4)
    log.error("Unexpected fault %s%s", fault_id, f" in {where}" if where else "", exc_info=error)
    return fault_id


def nobody_hears(error: BaseException | None, client: discord.Client) -> bool:
    """Whether `error` says that Discord takes no answer: too late, given already, or the bot is leaving."""
    if isinstance(error, discord.HTTPException):
        return error.code in {UNKNOWN_INTERACTION, TOKEN_EXPIRED, ALREADY_ACKNOWLEDGED}
    return client.is_closed() and isinstance(error, BROKEN_OFF)


async def answer_fault(interaction: discord.Interaction[Any], error: BaseException) -> None:
    """Tell the person of `error`; an interaction that Discord has given up is only logged."""
    cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
    if nobody_hears(cause, interaction.client):
        log.warning("An interaction could not be answered any more: %s", cause)
        return
    try:
        await tell(interaction, explain(error, fault_locale(interaction)), private=True)
    except (discord.HTTPException, discord.InteractionResponded, *BROKEN_OFF) as failed:
        log.warning("A fault could not be told: %s", failed)
