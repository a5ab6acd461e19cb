"""`system_stats`: one sample of the machine, the process and its connections at a fixed interval."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from datetime import datetime

import psutil

from services.recorder import Records
from services.rows import Stat

log = logging.getLogger("bot.stats")

MEGABYTE = 2**20
FIRST_SAMPLE_SECONDS = 10.0
"""A node that is not ready by then is not waited for."""


class Stats:
    """Samples until cancelled. Nothing here blocks: psutil's own interval would stop the loop for as long."""

    def __init__(  # noqa: PLR0917 - one argument a collaborator, given once by the composition root
        self,
        recorder: Records,
        interval: float,
        latency: Callable[[], float],
        lavalink_ping: Callable[[], Awaitable[float | None]],
        now: Callable[[], datetime],
        new_id: Callable[[], str],
    ) -> None:
        """`latency` is the gateway's in seconds (inf or nan until known), `lavalink_ping` a node's in ms or None."""
        self._recorder = recorder
        self._interval = interval
        self._latency = latency
        self._lavalink_ping = lavalink_ping
        self._now = now
        self._new_id = new_id
        # The first call gives 0.0 and starts the measuring; a new Process would start it anew each time.
        self._process = psutil.Process()
        psutil.cpu_percent(interval=None)

    async def run(self, node_ready: asyncio.Event) -> None:
        """Sample once a node is ready, or after 10 s, and then at every interval."""
        try:
            async with asyncio.timeout(FIRST_SAMPLE_SECONDS):
                await node_ready.wait()
        except TimeoutError:
            pass
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            try:
                self._recorder.record(await self.sample())
            except Exception:
                log.exception("A sample of the statistics could not be taken")
            due = max(due + self._interval, loop.time())
            await asyncio.sleep(due - loop.time())

    async def sample(self) -> Stat:
        """One row as it is now."""
        ping = await self._lavalink_ping()
        memory = self._process.memory_info()
        latency = self._latency()
        return Stat(
            event_id=self._new_id(),
            created_at=self._now(),
            cpu_usage=psutil.cpu_percent(interval=None),
            ram_rss=round(memory.rss / MEGABYTE, 2),
            ram_heap=round(memory.vms / MEGABYTE, 2),
            ping_gateway=round(latency * 1000) if math.isfinite(latency) else None,
            # Less than a millisecond is still an answer: 0 would read as none.
            ping_lavalink=None if ping is None else max(1, round(ping)),
        )
