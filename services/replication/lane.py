"""One table's way to Supabase: gather, send, acknowledge; wait when it fails, set aside what is refused."""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from services.errors import StoreUnavailable
from services.replication.backoff import Backoff
from services.replication.exchange import Item
from services.replication.faults import Paused, Refused, RemoteFault, TooSlow, Transient
from services.replication.remote import Remote
from services.rows import LogEntry
from services.store import Store, Table

log = logging.getLogger("bot.replication")

GATHER_SECONDS = 0.5
BATCH_ROWS = 500
BATCH_BYTES = 256 * 1024
SLOWER_ROWS = 50
"""So many more rows go in a batch after one that went well, where batches had to become smaller."""
PAUSED_RETRY_SECONDS = 10.0
REFUSED_IN_A_ROW = 20
"""After so many rows set aside without one that was taken, it is not the rows."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A row on its way: its key, the revision that is sent, and what is sent."""

    key: str
    revision: int
    item: Item


class Lane(ABC):
    """Sends one table's waiting rows, oldest first, one request at a time."""

    def __init__(self, table: Table, store: Store, remote: Remote) -> None:
        self.table = table
        self.paused: str | None = None
        """What somebody has to do before rows go on; None while they flow."""
        self.failing: str | None = None
        """The last transient fault, until a request works again."""
        self._store = store
        self._remote = remote
        self._wake = asyncio.Event()
        self._backoff = Backoff()
        self._rows = BATCH_ROWS
        self._sent = BATCH_ROWS
        """Rows of the last batch: its bytes may have kept it below `_rows`."""
        self._refused = 0
        self.select = f"SELECT * FROM {table.name} WHERE revision <> replicated_revision AND set_aside IS NULL"
        # A failure to replicate log rows goes to the console alone: as a row it would only wait behind itself.
        self._extra = {"kept": table.row_type is not LogEntry}

    def wake(self) -> None:
        """There are rows waiting."""
        self._wake.set()

    async def run(self) -> None:
        """Send for ever; ends only by being cancelled."""
        self._wake.set()
        while True:
            await self._wake.wait()
            await asyncio.sleep(GATHER_SECONDS)
            try:
                await self.flush()
            except Exception as error:
                # A fault of our own must not end the lane for good: it is logged and shown, and the rows go on waiting.
                self._fail(f"unexpected {error!r}")
                log.exception("Replication of %s failed unexpectedly", self.table.name, extra=self._extra)
                await asyncio.sleep(PAUSED_RETRY_SECONDS)
                self._wake.set()

    async def flush(self) -> None:
        """Send until nothing waits, however often it takes."""
        while True:
            try:
                self._wake.clear()
                if not await self.send_next():
                    if self.is_empty:
                        self._flows()
                    return
                self._worked()
            except Paused as fault:
                self._pause(str(fault))
                await asyncio.sleep(PAUSED_RETRY_SECONDS)
            except Transient as fault:
                if isinstance(fault, TooSlow):
                    self._rows = max(1, min(self._rows, self._sent) // 2)
                self._fail(str(fault))
                await asyncio.sleep(self._backoff.delay(fault.retry_after))
            except (StoreUnavailable, sqlite3.Error) as error:
                self._fail(f"local store: {error}")
                await asyncio.sleep(self._backoff.delay(None))

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits where `send_next` has found nothing due."""
        return True

    async def send_next(self) -> bool:
        """Send what is due; whether there was anything.

        Raises:
            RemoteFault: it did not work, or not all of it.
            StoreUnavailable, sqlite3.Error: the local store cannot be used now.
        """
        batch = await self._store.read(self._read)
        if not batch:
            return False
        await self.deliver(sorted(batch, key=lambda row: row.key))
        return True

    async def deliver(self, batch: list[Waiting]) -> None:
        """Send `batch`; where a row of it is refused, find that row by halving, and set it aside."""
        self._sent = len(batch)
        try:
            await self.send(batch)
            self._refused = 0
        except Refused as fault:
            if len(batch) == 1:
                await self._set_aside(batch[0], fault)
                return
            middle = len(batch) // 2
            await self.deliver(batch[:middle])
            await self.deliver(batch[middle:])

    @abstractmethod
    async def send(self, batch: list[Waiting]) -> None:
        """Send and acknowledge `batch`, sorted by key, each key once."""

    async def acknowledge(self, batch: list[Waiting]) -> None:
        """The remote table has these revisions. Returns once that is on the disk, so that they are not read again."""
        sent = [(row.key, row.revision) for row in batch]
        await self._store.commit(lambda transaction: transaction.acknowledge(self.table, sent))

    async def _set_aside(self, row: Waiting, fault: RemoteFault) -> None:
        if self._refused >= REFUSED_IN_A_ROW:
            raise Paused(
                f"{fault}; so were {self._refused} rows before it, one after the other: a migration is missing, or "
                "the table is another program's. `doctor --retry-set-aside` has them sent again"
            ) from fault
        self._refused += 1
        log.warning("A row of %s was set aside: %s", self.table.name, fault, extra=self._extra)
        await self._store.commit(
            lambda transaction: transaction.set_aside(self.table, row.key, row.revision, str(fault))
        )

    def _read(self, connection: sqlite3.Connection) -> list[Waiting]:
        batch: list[Waiting] = []
        size = 0
        for record in self.waiting(connection, self._rows):
            item = self.item(dict(record))
            size += len(json.dumps(item))
            if batch and size > BATCH_BYTES:
                break
            batch.append(Waiting(record[self.table.key], record["revision"], item))
        return batch

    def waiting(self, connection: sqlite3.Connection, limit: int) -> Iterable[sqlite3.Row]:
        """Up to `limit` rows that are due, in the order in which they go."""
        return connection.execute(f"{self.select} ORDER BY revision LIMIT ?", (limit,))

    def item(self, record: dict[str, Any]) -> Item:
        """What is sent for a stored record."""
        return self.table.to_json(record)

    def _worked(self) -> None:
        self._flows()
        self._rows = min(BATCH_ROWS, self._rows + SLOWER_ROWS)
        self._backoff.reset()

    def _flows(self) -> None:
        """No row is held up: the last ones went, or those that waited have gone from the store."""
        if self.paused or self.failing:
            log.info("%s is replicated again", self.table.name, extra=self._extra)
        self.paused = self.failing = None

    def _pause(self, reason: str) -> None:
        if self.paused != reason:
            log.warning("Replication is paused: %s", reason, extra=self._extra)
        self.paused, self.failing = reason, None

    def _fail(self, reason: str) -> None:
        if self.failing is None:
            log.warning("Replication waits and tries again: %s", reason, extra=self._extra)
        self.failing, self.paused = reason, None


class KeyedLane(Lane):
    """A table whose rows are upserted by their key and never deleted by the bot."""

    async def send(self, batch: list[Waiting]) -> None:
        """See `Lane.send`."""
        await self._remote.upsert(self.table.name, [row.item for row in batch], self.table.key)
        await self.acknowledge(batch)
