"""An answer that grows in Discord while it comes: edits at a steady pace, and the last one certain."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Protocol

import aiohttp
import discord

from cogs.common.connection import is_final
from services.message_split import split

log = logging.getLogger("bot.chat")

PACE = 1.0
"""Seconds between two edits. Discord's limits are unpublished; panels and replies of a channel share them."""
LAST_TRIES = 6
"""How often the last state is tried; the pauses between double from `PACE`."""

THREAD_ARCHIVED = 50083
"""In a thread that was put away nothing is edited, and only a new message would take it up again."""


class Sent(Protocol):
    """A message that was sent."""

    async def edit(self, *, content: str) -> object:
        """Change its text."""
        ...

    async def delete(self) -> object:
        """Take it away."""
        ...


class Outlet(Protocol):
    """Where an answer goes."""

    async def send(self, text: str) -> Sent:
        """One further message."""
        ...


class StreamedReply:
    """One answer as one message or several.

    Args:
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        outlet: Outlet,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._outlet = outlet
        self._clock = clock
        self._sleep = sleep
        self._text = ""
        self._sent: list[tuple[Sent, str]] = []
        self._edited_at: float | None = None

    async def follow(self, pieces: AsyncGenerator[str, None], explain: Callable[[Exception], str]) -> None:
        """Show `pieces` as they come, and after them the sentence for whatever they raise.

        Returns quietly where the messages or their channel are gone, or their thread was put away; the pieces are
        then not read to their end.
        """
        changed = asyncio.Event()
        reader = asyncio.create_task(self._read(pieces, changed))
        reader.add_done_callback(lambda _: changed.set())
        try:
            while not reader.done():
                await changed.wait()
                changed.clear()
                if not reader.done():
                    await self._pace()
                    await self._try_to_show()
            error = reader.exception()
            if isinstance(error, Exception):
                self._note(explain(error))
            await self._show_last()
        except discord.HTTPException as error:
            if not isinstance(error, discord.NotFound | discord.Forbidden) and error.code != THREAD_ARCHIVED:
                raise
            log.info("An answer could not be shown to its end: %s", error)
        finally:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)

    async def end(self, sentence: str) -> None:
        """Show what has come so far, and `sentence` after it; once, without patience."""
        self._note(sentence)
        await self._show()

    async def _read(self, pieces: AsyncGenerator[str, None], changed: asyncio.Event) -> None:
        async with aclosing(pieces):
            async for piece in pieces:
                self._text += piece
                changed.set()

    def _note(self, sentence: str) -> None:
        shown = self._text.rstrip()
        if shown.count("```") % 2:
            shown += "\n```"
        self._text = f"{shown}\n\n{sentence}" if shown else sentence

    async def _pace(self) -> None:
        if self._edited_at is not None:
            await self._sleep(max(0.0, self._edited_at + PACE - self._clock()))

    async def _show_last(self) -> None:
        for attempt in range(LAST_TRIES):
            if [shown for _, shown in self._sent] == split(self._text):
                return
            await self._pace()
            if not await self._try_to_show():
                await self._sleep(PACE * 2**attempt)
        log.warning("The end of an answer could not be shown")

    async def _try_to_show(self) -> bool:
        """Whether Discord took it; raises what trying again would not cure."""
        try:
            await self._show()
        except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
            if is_final(error):
                raise
            log.info("A part of an answer could not be shown yet: %s", error)
            return False
        finally:
            # Failed tries keep the pace too; blank text, of which nothing is shown, does not begin it.
            if self._text.strip():
                self._edited_at = self._clock()
        return True

    async def _show(self) -> None:
        messages = split(self._text)
        for number, text in enumerate(messages):
            if number == len(self._sent):
                self._sent.append((await self._outlet.send(text), text))
            elif self._sent[number][1] != text:
                message = self._sent[number][0]
                await message.edit(content=text)
                self._sent[number] = (message, text)
        for message, _ in self._sent[len(messages) :]:
            with contextlib.suppress(discord.NotFound):
                await message.delete()
        del self._sent[len(messages) :]
