"""Waiting for something to hold, woken by what happens instead of by a clock."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Changes:
    """Everything that can be waited for calls ``notify`` after it changed."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()

    def notify(self) -> None:
        for future in self._waiting:
            if not future.done():
                future.set_result(None)
        self._waiting.clear()

    async def until(self, holds: Callable[[], T], timeout: float, what: str) -> T:
        """Return what ``holds`` returns as soon as that is true.

        Raises ``TimeoutError`` naming ``what`` after ``timeout`` seconds.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        while not (result := holds()):
            future: asyncio.Future[None] = loop.create_future()
            self._waiting.add(future)
            try:
                # Not `wait_for`: on Python 3.11 it can lose a cancellation that comes with the result.
                async with asyncio.timeout_at(deadline):
                    await future
            except TimeoutError:
                raise TimeoutError(f"waited {timeout:g} s for {what}") from None
            finally:
                self._waiting.discard(future)
        return result
