"""The figures: each measures this bot and its baseline in the same run, and gives their ratio."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import aiosqlite

from bench.designs import NAIVE_EVERY_S, Handler, backlog, naive, naive_sessions, ours, sample_naively, sample_ours
from bench.figure import Bound, Figure
from bench.lag import measured, percentile
from bench.remote import remote
from services.live_play import Track
from services.playback import Playback
from services.recorder import Recorder
from services.replication import Replicator
from services.store import Store
from services.store.books import read_books
from tests.samples import new_id, now, play

Design = Callable[[str], AbstractAsyncContextManager[Handler]]


async def _handled(design: Design, rate: float, seconds: float, outage: bool) -> tuple[list[float], list[float]]:
    """Lags in ms, and times of the handler in ms, at `rate` events a second; an outage of 3 s in the middle, and in it
    one sample of the machine."""
    sample = sample_naively if design is naive else sample_ours
    async with remote() as server, design(server.url) as handle, measured() as lag:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        took: list[float] = []
        hung = not outage
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, begun + number / rate - loop.time()))
            if not hung and loop.time() - begun > seconds / 3:
                hung = True
                await server.hang(3)
                sample()
            started = time.perf_counter()
            handle()
            took.append((time.perf_counter() - started) * 1000)
        return lag.late_ms, took


async def lag_in_an_outage() -> Figure:
    """Loop lag p99 at 15 events/s, the remote accepting and not answering for 3 s of 12."""
    base, _ = await _handled(naive, 15, 12, outage=True)
    own, _ = await _handled(ours, 15, 12, outage=True)
    theirs, mine = percentile(base, 0.99), percentile(own, 0.99)
    return Figure(
        "loop lag p99, outage", theirs, mine, "ms", theirs / mine, 300, bounds=(Bound("ours max, ms:", max(own), 50),)
    )


async def durable_rows() -> Figure:
    """Rows a second that are on the disk, `synchronous=FULL` both: aiosqlite row by row over the recorder."""
    with tempfile.TemporaryDirectory() as folder:
        rows = 1_000
        async with aiosqlite.connect(Path(folder) / "base.db") as base:
            await base.execute("PRAGMA journal_mode = WAL")
            await base.execute("PRAGMA synchronous = FULL")
            await base.execute("CREATE TABLE plays (event_id TEXT PRIMARY KEY, title TEXT, created_at TEXT)")
            begun = time.perf_counter()
            for _ in range(rows):
                row = play()
                values = (row.event_id, row.track_title, row.created_at.isoformat())
                await base.execute("INSERT INTO plays VALUES (?, ?, ?)", values)
                await base.commit()
            theirs = rows / (time.perf_counter() - begun)
        made = [play() for _ in range(50_000)]
        async with Store(Path(folder)) as store:
            recorder = Recorder(store)
            begun = time.perf_counter()
            for row in made:
                recorder.record(row)
            await recorder.commit(play())
            mine = len(made) / (time.perf_counter() - begun)
    return Figure("durable rows/s", theirs, mine, "rows/s", mine / theirs, 25)


async def drain() -> Figure:
    """Rows a second of a backlog of 100,000, over one request a row; and the lag meanwhile."""
    singles, rows = 60, 100_000
    async with remote() as server, naive(server.url) as handle:
        begun = time.perf_counter()
        for _ in range(singles):
            await asyncio.to_thread(handle)
        theirs = singles / (time.perf_counter() - begun)
    with tempfile.TemporaryDirectory() as folder:
        async with Store(Path(folder)) as store, remote() as server:
            await backlog(store, rows)
            begun = time.perf_counter()
            async with Replicator(store, server.url, "key"), measured() as lag:
                while (await server.counted())["rows"] < rows:  # noqa: ASYNC110 - another process counts
                    await asyncio.sleep(0.2)
            mine = rows / (time.perf_counter() - begun)
    bounds = (Bound("lag p99 meanwhile, ms:", percentile(lag.late_ms, 0.99), 10),)
    return Figure("drain of 100,000 rows", theirs, mine, "rows/s", mine / theirs, 250, bounds=bounds)


async def _naive_requests(guilds: int) -> tuple[float, int]:
    """Requests an hour that B0 would have to make for `guilds`, and for how many of them it managed to.

    It sends one guild's session after the other, every 5 s: with a round trip it gets through so many guilds and no
    more. Two rounds of these are measured, and the requests that arrived are taken to all guilds.
    """
    rounds, managed = 2, guilds
    async with remote() as server, naive_sessions(server.url) as update:
        begun = time.monotonic()
        for number in range(rounds):
            for guild in range(managed):
                if number == 0 and time.monotonic() - begun > NAIVE_EVERY_S * 0.95:
                    managed = guild
                    break
                await asyncio.to_thread(update, str(guild))
            await asyncio.sleep(max(0.0, begun + (number + 1) * NAIVE_EVERY_S - time.monotonic()))
        requests, took = (await server.counted())["requests"], time.monotonic() - begun
    return requests / took * 3600 / managed * guilds, managed


async def requests_an_hour() -> Figure:
    """Requests for 1,000 playing guilds: B0 sends a session a guild every 5 s; ours are counted once the guilds take
    their turns, 20 a second."""
    guilds, first_turn, seconds = 1_000, 55.0, 20.0
    with tempfile.TemporaryDirectory() as folder:
        async with remote() as server, Store(Path(folder)) as store, Replicator(store, server.url, "key"):
            playback = Playback(Recorder(store), lambda: "1", now, time.monotonic, new_id, 10)
            for number in range(guilds):
                track = Track(f"Track {number}", None, 3_600_000, "alice")
                playback.started(playback.new_play_id(), str(number), track)
            await _tick(playback, first_turn)
            before = (await server.counted())["requests"]
            await _tick(playback, seconds)
            own = ((await server.counted())["requests"] - before) / seconds * 3600
            waiting = (await store.read(read_books))["active_sessions"].waiting
    base, managed = await _naive_requests(guilds)
    note = f"{waiting} rows waiting; the baseline measured with the {managed} guilds that it managed, taken to {guilds}"
    return Figure("requests an hour, 1,000 guilds", base, own, "requests", base / own, 60, note)


async def _tick(playback: Playback, seconds: float) -> None:
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        playback.tick()
        await asyncio.sleep(0.5)


async def handler_under_load() -> Figure:
    """Handler p99 at 1,000 events/s over that at 15 events/s, both ours: how little load shows."""
    _, calm = await _handled(ours, 15, 8, outage=False)
    _, busy = await _handled(ours, 1_000, 8, outage=False)
    low, high = percentile(calm, 0.99), percentile(busy, 0.99)
    return Figure("handler p99, 15/s over 1,000/s", low, high, "ms", low / high, 1 / 3)


FIGURES = (lag_in_an_outage, durable_rows, drain, requests_an_hour, handler_under_load)
