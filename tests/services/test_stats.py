"""`system_stats` says what is, and never stops the loop to find it out."""

from __future__ import annotations

import asyncio
import time
from itertools import count

import pytest

from services.rows import Stat
from services.stats import Stats
from tests.fakes import MemoryRecorder
from tests.samples import new_id, now


def stats(recorder: MemoryRecorder, latency: float = 0.0421, ping: float | None = 0.4, interval: float = 300) -> Stats:
    async def lavalink_ping() -> float | None:
        return ping

    return Stats(recorder, interval, lambda: latency, lavalink_ping, now, new_id)


async def test_a_sample_has_the_meaning_of_its_columns() -> None:
    sampling = stats(MemoryRecorder())
    started = time.perf_counter()
    row = await sampling.sample()
    assert time.perf_counter() - started < 0.5
    assert 0 <= row.cpu_usage <= 100
    assert 1 < row.ram_rss < row.ram_heap
    assert row.ping_gateway == 42
    assert row.ping_lavalink == 1  # less than a millisecond is still an answer


@pytest.mark.parametrize("unknown", [float("inf"), float("nan")])
async def test_what_is_not_known_is_null(unknown: float) -> None:
    row = await stats(MemoryRecorder(), latency=unknown, ping=None).sample()
    assert (row.ping_gateway, row.ping_lavalink) == (None, None)


async def test_the_first_sample_comes_with_the_node_and_then_at_the_interval() -> None:
    recorder = MemoryRecorder()
    seen = asyncio.Event()
    numbers = count(1)
    record = recorder.record

    def recorded(row: Stat) -> None:
        record(row)
        if next(numbers) == 3:
            seen.set()

    recorder.record = recorded  # pyright: ignore[reportAttributeAccessIssue] - a fake that tells
    ready = asyncio.Event()
    task = asyncio.create_task(stats(recorder, interval=0.01).run(ready))
    await asyncio.sleep(0)
    assert recorder.history == []
    ready.set()
    await asyncio.wait_for(seen.wait(), 2)
    task.cancel()


async def test_a_sample_that_fails_is_not_the_last(caplog: pytest.LogCaptureFixture) -> None:
    recorder = MemoryRecorder()
    sampling = stats(recorder, interval=0.01)
    answers = iter([RuntimeError("the node answered nonsense"), None])
    whole = sampling.sample

    async def sample() -> Stat:
        if error := next(answers, None):
            raise error
        return await whole()

    sampling.sample = sample  # the next one is as before
    ready = asyncio.Event()
    ready.set()
    task = asyncio.create_task(sampling.run(ready))
    async with asyncio.timeout(5):
        while not recorder.history:
            await asyncio.sleep(0.01)
    task.cancel()
    assert "could not be taken" in caplog.text
