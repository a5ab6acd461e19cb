"""Upkeep of the store: what is delivered and old goes, statistics and logs stay within a bound, the file shrinks."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta

from services.errors import StoreUnavailable
from services.rows import LogEntry, Play, Row, Stat, Usage
from services.store.store import Store
from services.store.tables import TABLE_OF
from services.store.transaction import Transaction

log = logging.getLogger("bot.store")

ROUND_SECONDS = 60.0
BOUND_BYTES = 256 * 2**20
"""What statistics and logs may take of the disk."""
ROW_BYTES = 200
"""About what a log line takes beside its text, and a statistic in all, where SQLite cannot tell it exactly."""
PAGES_TAKEN = """
    SELECT sum(pgsize) FROM dbstat WHERE aggregate = TRUE
    AND name IN (SELECT name FROM sqlite_master WHERE tbl_name IN ('bot_logs', 'system_stats'))"""
TEXT_TAKEN = f"""
    SELECT (SELECT count(*) * {ROW_BYTES} + coalesce(sum(length(CAST(message AS BLOB))), 0) FROM bot_logs)
    + (SELECT count(*) * {ROW_BYTES} FROM system_stats)"""
SLICE_ROWS = 500
"""Rows a change: what people do must not wait behind a large clearance."""
SLICE_PAGES = 500
# How long delivered rows stay for local reads (the month's usage among them), and which of them are finished with.
KEPT: tuple[tuple[type[Row], timedelta, str], ...] = (
    (Play, timedelta(days=90), "ended_at IS NOT NULL"),
    (Usage, timedelta(days=62), "status <> 'open'"),
    (LogEntry, timedelta(days=7), "1"),
    (Stat, timedelta(days=7), "1"),
)


class Upkeep:
    """Tidies the store in small steps, once a minute, until cancelled."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    async def run(self) -> None:
        """Tidy for ever; a store that cannot be written is left alone until the next round."""
        while True:
            await asyncio.sleep(ROUND_SECONDS)
            try:
                await self.tidy()
            except (StoreUnavailable, sqlite3.Error) as error:
                log.debug("The store could not be tidied: %s", error)

    async def tidy(self) -> None:
        """One round.

        Raises:
            StoreUnavailable, sqlite3.Error: the store cannot be used now.
        """
        for row_type, kept, over in KEPT:
            table, before = TABLE_OF[row_type], (self._now() - kept).isoformat(timespec="microseconds")
            await self._repeat(
                lambda transaction, table=table, before=before, over=over: transaction.age_out(
                    table, over, before, SLICE_ROWS
                )
            )
        await self._make_room()
        await self._shrink()

    async def _make_room(self) -> None:
        used = await self._store.read(_used_bytes)
        if used <= BOUND_BYTES:
            return
        # Measured once, for that reads all of it; what is in use then tells how far it has gone down.
        enough = used - (await self._store.read(_bounded_bytes) - BOUND_BYTES)
        while await self._store.read(_used_bytes) > enough:
            if not await self._change(lambda transaction: transaction.make_room(SLICE_ROWS)):
                break

    async def _shrink(self) -> None:
        before, free = None, await self._store.read(_free_pages)
        # A file that had no room for the VACUUM which lets it shrink keeps its free pages, and uses them again.
        while free > SLICE_PAGES and (before is None or free < before):
            await self._store.commit(lambda transaction: transaction.shrink(SLICE_PAGES))
            before, free = free, await self._store.read(_free_pages)

    async def _repeat(self, change: Callable[[Transaction], int]) -> None:
        while await self._change(change) == SLICE_ROWS:
            pass

    async def _change(self, change: Callable[[Transaction], int]) -> int:
        done: list[int] = []
        await self._store.commit(lambda transaction: done.append(change(transaction)))
        return done[-1]


def _used_bytes(connection: sqlite3.Connection) -> int:
    pages, free, size = (_pragma(connection, name) for name in ("page_count", "freelist_count", "page_size"))
    return (pages - free) * size


def _bounded_bytes(connection: sqlite3.Connection) -> int:
    """What statistics and logs take, with their indexes."""
    try:
        return connection.execute(PAGES_TAKEN).fetchone()[0]
    except sqlite3.OperationalError:  # an SQLite that was built without dbstat
        return connection.execute(TEXT_TAKEN).fetchone()[0]


def _free_pages(connection: sqlite3.Connection) -> int:
    return _pragma(connection, "freelist_count")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]
