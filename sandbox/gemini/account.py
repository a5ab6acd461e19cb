"""What was asked of the stand-in, what came of it, and what it billed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Call:
    """One call to `GenerateContent` or `StreamGenerateContent`; it changes while the reply is sent."""

    model: str
    key: str | None
    """The `x-goog-api-key` header as it came."""
    prompt: str
    """The text of the last turn."""
    question: str = ""
    """The text of its last part."""
    system: str = ""
    """The text of the system instruction."""
    max_output_tokens: int = 0
    """What the answer and the thinking before it may have; 0 where the request sets no bound."""
    prompt_tokens: int = 0
    candidates_tokens: int = 0
    thoughts_tokens: int = 0
    began_at: float = field(default_factory=time.time)
    """When it came; Unix seconds."""
    first_text_at: float | None = None
    """When the first text was sent; seconds of the event loop's clock."""
    outcome: str = "running"
    """`running`, `ok`, `blocked`, `cut`, `hanging`, `cancelled` (by the client) or a gRPC status code."""

    @property
    def total_tokens(self) -> int:
        """What the API calls the total: thinking is in it."""
        return self.prompt_tokens + self.candidates_tokens + self.thoughts_tokens


@dataclass(slots=True)
class Account:
    """Every call in the order of arrival."""

    calls: list[Call] = field(default_factory=list[Call])
    faults: list[str] = field(default_factory=list[str])
    """What was wrong in itself with a request, in words: no client should have sent it."""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def total_tokens(self) -> int:
        """Tokens billed over all calls."""
        return sum(call.total_tokens for call in self.calls)

    def changed(self) -> None:
        """Wake whoever waits: a call came or went on."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def until(self, predicate: Callable[[Account], object], timeout: float) -> None:
        """Return once `predicate` holds.

        Raises:
            TimeoutError: it did not within `timeout` seconds.
        """
        async with asyncio.timeout(timeout):
            while not predicate(self):
                await self._changed.wait()
