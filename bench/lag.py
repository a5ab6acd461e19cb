"""The event loop's lag, open-loop: probes are due every 10 ms and counted from when they were due."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

EVERY_S = 0.01


class Lag:
    """Milliseconds by which each probe was late."""

    def __init__(self) -> None:
        self.late_ms: list[float] = []

    async def probe(self) -> None:
        """For ever. A loop that stood still has missed many probes, and each counts from when it was due."""
        loop = asyncio.get_running_loop()
        due = loop.time() + EVERY_S
        while True:
            await asyncio.sleep(max(0.0, due - loop.time()))
            at = loop.time()
            while due <= at:
                self.late_ms.append((at - due) * 1000)
                due += EVERY_S


@asynccontextmanager
async def measured() -> AsyncGenerator[Lag]:
    """Probe the loop for as long as the context lasts."""
    lag = Lag()
    task = asyncio.create_task(lag.probe())
    try:
        yield lag
    finally:
        task.cancel()


def percentile(values: list[float], share: float) -> float:
    """The value that `share` (0 to 1) of `values` do not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]
