"""The writer thread: takes changes from any thread and commits them in groups."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue

from services.errors import StoreUnavailable
from services.store.clock import RevisionClock
from services.store.schema import open_store
from services.store.tables import Table
from services.store.transaction import Transaction

log = logging.getLogger("bot.store")

Change = Callable[[Transaction], None]
GROUP = 500
"""Changes a commit: larger groups gain little and hold the lock longer."""
HELD_IN_MEMORY = 10_000
"""Changes that wait while the file cannot be written; beyond them rows are dropped and counted."""
RETRY_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Job:
    """A change on its way to the disk."""

    change: Change
    table: Table | None
    """The table whose row this is, for the books should it be dropped; None for what is no row."""
    done: Future[None] | None

    def tell(self, fault: str | None) -> None:
        """Tell the one who waits, if any, that the change is on the disk, or why it will never be."""
        if self.done is not None and self.done.set_running_or_notify_cancel():
            if fault is None:
                self.done.set_result(None)
            else:
                self.done.set_exception(StoreUnavailable(fault))


class Writer:
    """Owns the writing connection. `submit` may be called from any thread and never waits."""

    def __init__(self, path: Path, on_commit: Callable[[set[Table]], None]) -> None:
        self.path = path
        self.fault: str | None = None
        """Why nothing can be committed now, in SQLite's words; None while all is well."""
        self._on_commit = on_commit
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._dropped: Counter[tuple[Table, str]] = Counter()
        self._connection = open_store(path)
        last: int = self._connection.execute("SELECT revision FROM clock").fetchone()[0]
        self._clock = RevisionClock(last, lambda: time.time_ns() // 1000)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    @property
    def held(self) -> int:
        """Changes handed over and not yet committed."""
        return self._queue.qsize()

    @property
    def dropped(self) -> Counter[tuple[Table, str]]:
        """Rows dropped since the file could last be written, by table and reason."""
        return self._dropped

    def submit(self, change: Change, table: Table | None = None, done: Future[None] | None = None) -> None:
        """Hand over a change. With `done`, its commit is told; while the file cannot be written it fails at once."""
        if (fault := self.fault) is not None:
            if done is not None:
                done.set_exception(StoreUnavailable(fault))
                return
            if table is not None and self._queue.qsize() >= HELD_IN_MEMORY:
                self._dropped[table, "disk_full" if "full" in fault else "store_unavailable"] += 1
                return
        self._queue.put(Job(change, table, done))

    def close(self, timeout: float) -> None:
        """Commit what was handed over and close the file; gives up after `timeout` seconds."""
        self._stopping.set()
        self._queue.put(None)
        self._thread.join(timeout)

    def _run(self) -> None:
        last = False
        while not last:
            batch: list[Job] = []
            job = self._queue.get()
            while job is not None and len(batch) < GROUP - 1:
                batch.append(job)
                try:
                    job = self._queue.get_nowait()
                except Empty:
                    break
            else:
                if job is None:
                    last = True
                else:
                    batch.append(job)
            self._commit(batch)
        self._connection.close()

    def _commit(self, batch: list[Job]) -> None:
        while True:
            try:
                self._commit_group(batch)
            except sqlite3.OperationalError as error:
                batch = self._unavailable(batch, str(error))
            except sqlite3.DatabaseError as error:
                if getattr(error, "sqlite_errorname", "") in {"SQLITE_CORRUPT", "SQLITE_NOTADB"}:
                    batch = self._unavailable(batch, str(error))
                    self._reopen()
                else:
                    return self._one_by_one(batch)
            except (ValueError, TypeError, OverflowError):
                return self._one_by_one(batch)
            else:
                if self.fault is not None:
                    self.fault = None
                    log.warning("The local store can be written again")
                return None
            if self._stopping.wait(RETRY_SECONDS):
                log.error("%d changes could not be kept: %s", len(batch), self.fault)
                return None

    def _commit_group(self, batch: list[Job]) -> None:
        before, dropped = self._clock.last, self._dropped.copy()
        transaction = Transaction(self._connection, self._clock)
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            live = [job for job in batch if job.done is None or not job.done.cancelled()]
            for job in live:
                job.change(transaction)
            for (table, reason), rows in dropped.items():
                transaction.count_drop(table, reason, rows)
            transaction.finish()
            self._connection.execute("COMMIT")
        except BaseException:
            # Some errors (a full disk among them) have rolled back by themselves.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            self._clock.last = before
            raise
        self._dropped -= dropped
        for job in live:
            job.tell(None)
        if transaction.changed:
            self._on_commit(transaction.changed)

    def _unavailable(self, batch: list[Job], fault: str) -> list[Job]:
        if self.fault is None:
            self.fault = fault
            log.error("The local store cannot be written: %s", fault)
        for job in batch:
            job.tell(fault)
        return [job for job in batch if job.done is None]

    def _one_by_one(self, batch: list[Job]) -> None:
        """One change of the group cannot be stored at all: the others are, and it is counted."""
        for job in batch:
            try:
                self._commit_group([job])
            except (sqlite3.Error, ValueError, TypeError, OverflowError) as error:
                log.exception("A change could not be stored")
                job.tell(str(error))
                if job.table is not None:
                    self._dropped[job.table, "unstorable"] += 1

    def _reopen(self) -> None:
        try:
            self._connection.close()
            self._connection = open_store(self.path)
        except (OSError, sqlite3.Error) as error:
            log.warning("The local store could not be opened again: %s", error)
