"""What is done to requests on purpose."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web

from sandbox.chance import Chance

from .errors import DiscordError, rate_limited, shared_limit

RATE_LIMITED_S = 0.3
"""How long a scripted 429 asks to wait."""


@dataclass(slots=True)
class Refusal:
    """The next ``times`` requests whose method and path fit are answered with this, where chance strikes."""

    method: str
    path: re.Pattern[str]
    error: DiscordError
    times: int
    chance: Chance = field(default_factory=Chance)

    def is_due(self, method: str, path: str) -> bool:
        fits = self.method in ("", method) and self.path.search(path)
        return bool(self.times > 0 and fits and self.chance.strikes())


class RestFaults:
    def __init__(self) -> None:
        self.refusals: list[Refusal] = []
        self._seconds = 0.0
        self._lateness = Chance()
        self._silence: Chance | None = None
        self._unanswered: dict[asyncio.Task[object], web.Request] = {}

    def slow(self, seconds: float, seed: int | None) -> None:
        self._seconds, self._lateness = seconds, Chance(seed)

    def refuse(self, method: str, path: str, status: int, code: int, times: int) -> None:
        error = rate_limited(RATE_LIMITED_S) if status == 429 else DiscordError(status, code, f"{status}: scripted")
        self.refusals.append(Refusal(method, re.compile(path), error, times))

    def limit(self, times: int, seed: int | None) -> None:
        self.refusals.append(Refusal("", re.compile(""), rate_limited(RATE_LIMITED_S), times, Chance(seed)))

    def limit_shared(self, times: int, seed: int | None) -> None:
        self.refusals.append(Refusal("", re.compile(""), shared_limit(RATE_LIMITED_S), times, Chance(seed)))

    def fall_silent(self, seed: int | None) -> None:
        self._silence = Chance(seed)

    def clear(self) -> None:
        """No fault from now on. Who still waits for an answer is told by a reset that there will be none."""
        self.slow(0, None)
        self.refusals.clear()
        self._silence = None
        for task, request in self._unanswered.items():
            if request.transport is not None:
                request.transport.abort()
            task.cancel()
        self._unanswered.clear()

    async def delay(self) -> None:
        if self._seconds:
            await asyncio.sleep(self._seconds * self._lateness.part())

    def raise_due(self, method: str, path: str) -> None:
        """Raises what the request is to be answered with."""
        for refusal in self.refusals:
            if refusal.is_due(method, path):
                refusal.times -= 1
                raise refusal.error

    @web.middleware
    async def silence(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Answers nothing at all while that is wanted, neither requests nor a WebSocket's opening."""
        task = asyncio.current_task()
        if self._silence is not None and task is not None and self._silence.strikes():
            self._unanswered[task] = request
            await asyncio.Event().wait()
        return await handler(request)
