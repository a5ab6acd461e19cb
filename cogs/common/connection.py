"""The connection to Discord: made as often as it takes, and what ends it for good in one sentence."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import aiohttp
import discord
from discord.ext import commands
from discord.utils import MISSING

from services.errors import Unstartable
from services.i18n import N_
from services.tasks import log_failure

log = logging.getLogger("bot")

RETRY_SECONDS = 5.0
DISCONNECT_SECONDS = 1.0
CANCEL_SECONDS = 0.1
SERVER_FAULT, RATE_LIMITED = 500, 429
AUTHENTICATION_FAILED = 4004
DISALLOWED_INTENTS = 4014
# What passes by itself: the network, an outage, a limit.
PASSING = (aiohttp.ClientError, OSError, discord.HTTPException, discord.GatewayNotFound, TimeoutError)


def is_final(error: Exception) -> bool:
    """Whether trying again would not cure what Discord answered: neither its own trouble nor a limit.

    A 429 gets this far where discord.py has waited five times, or the address is blocked.
    """
    return isinstance(error, discord.HTTPException) and error.status < SERVER_FAULT and error.status != RATE_LIMITED


class TokenRefused(Unstartable):
    """Discord does not know the token, or no longer."""


class ConnectionRefused(Unstartable):
    """Discord closed the connection and will not have it back."""


async def connect(bot: commands.AutoShardedBot, token: str) -> None:
    """Log in and stay connected until the bot is closed; a Discord that does not answer is waited for.

    Raises:
        TokenRefused, ConnectionRefused: there is no use in trying again.
    """
    try:
        await _insist(lambda: _login(bot, token))
        await _insist(lambda: bot.connect(reconnect=True))
    except discord.LoginFailure:
        raise _token_refused() from None
    except discord.PrivilegedIntentsRequired:
        raise _connection_refused(DISALLOWED_INTENTS) from None
    except discord.ConnectionClosed as closed:
        raise (_token_refused() if closed.code == AUTHENTICATION_FAILED else _connection_refused(closed.code)) from None


def _token_refused() -> TokenRefused:
    return TokenRefused(N_("DISCORD_TOKEN is refused by Discord: copy it anew from the developer portal."))


def _connection_refused(code: int) -> ConnectionRefused:
    return ConnectionRefused(
        N_("Discord closed the connection for good (code {code}); a newer release of this bot may be needed."),
        code=code,
    )


async def _insist(attempt: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            return await attempt()
        except discord.LoginFailure:
            raise
        except PASSING as error:
            log.warning("Discord does not answer: %s", error or type(error).__name__)
        await asyncio.sleep(RETRY_SECONDS)


async def _login(bot: commands.AutoShardedBot, token: str) -> None:
    try:
        await bot.login(token)
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        if bot.user is not None:
            raise  # not Discord's answer, but a fault of our own
        await _forget_session(bot)
        raise aiohttp.ClientError("this is no answer of Discord's; DISCORD_API_URL may be wrong") from error
    except PASSING:
        await _forget_session(bot)
        raise


async def _forget_session(bot: commands.AutoShardedBot) -> None:
    # The next login opens another; this one would be left open, and say so.
    await bot.http.close()
    bot.http.connector = MISSING


async def leave(connected: asyncio.Task[None], *closings: Coroutine[Any, Any, None]) -> None:
    """Close all that `connected` stands on side by side, so that one which hangs does not keep the others."""
    leaving = {asyncio.create_task(closing, name="leaving") for closing in closings}
    for task in leaving:
        task.add_done_callback(log_failure)
    await asyncio.wait(leaving, timeout=DISCONNECT_SECONDS)
    # Without what it stands on it may end by an error, which is nobody's concern any more.
    for task in (*leaving, connected):
        task.cancel()
    await asyncio.wait({*leaving, connected}, timeout=CANCEL_SECONDS)


class Unwind(Exception):
    """Takes a failed launch of a shard back to `relaunch`."""


async def relaunch(launch: Callable[[bool], Awaitable[None]], initial: bool) -> None:
    """Launch a shard as often as it takes. discord.py tries again inside of each failure, ever deeper."""
    while True:
        try:
            return await launch(initial)
        except Unwind:
            initial = False


def say_plainly(record: logging.LogRecord) -> bool:
    """A filter for discord.py's own log: what passes by itself needs one line and no traceback."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, (*PASSING, discord.ConnectionClosed)):
        record.msg, record.args = f"{record.getMessage()} ({error or type(error).__name__})".replace("%", "%%"), ()
        record.exc_info = record.exc_text = None
        record.levelno, record.levelname = logging.WARNING, "WARNING"
    return True
