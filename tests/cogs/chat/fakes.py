"""Discord's side of an answer, with state, and a clock that tests move."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Any

import discord


def http_error(status: int, code: int = 0) -> discord.HTTPException:
    """What discord.py raises for an answer of Discord's."""
    response: Any = SimpleNamespace(status=status, reason="", headers={})
    kinds = {403: discord.Forbidden, 404: discord.NotFound}
    kind = discord.DiscordServerError if status >= 500 else kinds.get(status, discord.HTTPException)
    return kind(response, {"code": code, "message": ""})


class Time:
    """Seconds that pass only when told."""

    def __init__(self) -> None:
        self.now = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        if seconds > 0:
            sleeper = asyncio.get_running_loop().create_future()
            self._sleepers.append((self.now + seconds, sleeper))
            await sleeper

    async def pass_by(self, seconds: float) -> None:
        """Let so much time pass, waking sleepers at their own times."""
        end = self.now + seconds
        await breathe()
        while due := [each for each in self._sleepers if each[0] <= end + 1e-9]:
            first = min(due, key=lambda each: each[0])
            self._sleepers.remove(first)
            self.now = max(self.now, first[0])
            if not first[1].done():
                first[1].set_result(None)
            await breathe()
        self.now = end


async def breathe() -> None:
    """Let every task run until it waits for something."""
    for _ in range(30):
        await asyncio.sleep(0)


class Note:
    """A message of the bot's."""

    def __init__(self, channel: Channel, content: str) -> None:
        self.channel = channel
        self.content = content

    async def edit(self, *, content: str) -> None:
        self.channel.take("edit", content)
        self.content = content

    async def delete(self) -> None:
        if self.channel.gone:
            raise http_error(404, 10008)
        self.channel.notes.remove(self)


class Channel:
    """An outlet that keeps what it was given, and when."""

    def __init__(self, time: Time | None = None) -> None:
        self.time = time or Time()
        self.notes: list[Note] = []
        self.writes: list[tuple[float, str, str]] = []
        """Time, `send` or `edit`, and the text; refused ones too."""
        self.faults: list[BaseException] = []
        """Raised by the next writes, in order."""
        self.gone = False
        """Whether messages to be deleted are deleted already."""

    def take(self, kind: str, content: str) -> None:
        self.writes.append((self.time.now, kind, content))
        if self.faults:
            raise self.faults.pop(0)

    async def send(self, text: str) -> Note:
        self.take("send", text)
        self.notes.append(Note(self, text))
        return self.notes[-1]

    @property
    def contents(self) -> list[str]:
        return [note.content for note in self.notes]


class Pieces:
    """An answer that a test feeds by hand."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[str | Exception | None] = asyncio.Queue()
        self.closed = False

    def feed(self, piece: str | Exception) -> None:
        self._queue.put_nowait(piece)

    def end(self) -> None:
        self._queue.put_nowait(None)

    async def stream(self) -> AsyncGenerator[str, None]:
        try:
            while (piece := await self._queue.get()) is not None:
                if isinstance(piece, Exception):
                    raise piece
                yield piece
        finally:
            self.closed = True
