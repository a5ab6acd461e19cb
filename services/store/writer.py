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
from services.store.schema import StoreTooNew, open_store
from services.store.tables import Table
from services.store.transaction import Transaction

log = logging.getLogger("bot.store")

Change = Callable[[Transaction], None]
GROUP = 1_000
"""Changes a commit: larger groups gain little and hold the lock longer."""
HELD_IN_MEMORY = 10_000
"""Changes that wait while the file cannot be written; beyond them rows are dropped and counted."""
RETRY_SECONDS = 0.5
REOPEN_TRIES = 10
"""After so many failures in a row the file is opened anew, should the connection be what is broken."""


@dataclass(slots=True)
class Job:
    """A change on its way to the disk."""

    change: Change
    table: Table | None
    """The table whose row this is, for the books should it be dropped; None for what is no row and never dropped."""
    done: Future[None] | None

    def begin(self) -> bool:
        """Whether it is still wanted; from now on whoever waits for it cannot take it back."""
        return self.done is None or self.done.set_running_or_notify_cancel()

    def tell(self, fault: str | None) -> None:
        """Tell the one who waits, if any, that the change is on the disk, or why it will never be."""
        if self.done is None:
            return
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
        self.files_begun = 1
        """Grows when the file was damaged and another begun: what was read of the old one is of no use."""
        self._on_commit = on_commit
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._counting = threading.Lock()
        self._dropped: Counter[tuple[Table, str]] = Counter()
        self._connection = open_store(path)
        self._unusable = False
        self._tries = 0
        last: int = self._connection.execute("SELECT revision FROM clock").fetchone()[0]
        self._clock = RevisionClock(last, lambda: time.time_ns() // 1000)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    @property
    def held(self) -> int:
        """Changes handed over and not yet committed."""
        return self._queue.qsize()

    def submit(self, change: Change, table: Table | None = None, done: Future[None] | None = None) -> None:
        """Hand over a change. With `done`, its commit is told; while the file cannot be written it fails at once."""
        if (fault := self.fault) is not None:
            if done is not None:
                done.set_exception(StoreUnavailable(fault))
                return
            if table is not None and self._queue.qsize() >= HELD_IN_MEMORY:
                self._count_drop(table, "disk_full" if "full" in fault else "store_unavailable")
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
            self._commit([job for job in batch if job.begin()])
        if self._dropped and self.fault is None:
            self._commit([])  # what was dropped last has not been counted yet
        self._connection.close()

    def _commit(self, batch: list[Job]) -> None:
        last = self._stopping.is_set()
        while True:
            try:
                changed = self._commit_group(batch)
            except Exception as error:  # noqa: BLE001 - whatever a change does, this thread has to go on
                if not is_the_files(error):
                    return self._one_by_one(batch, error)
                batch = self._unavailable(batch, error)
            else:
                for job in batch:
                    if job.done is not None:
                        job.tell(None)
                if self.fault is not None:
                    self.fault = None
                    log.warning("The local store can be written again")
                return self._on_commit(changed) if changed else None
            # A stop is the last try, not the end of one: the disk may have room again just now.
            if last:
                return self._give_up(batch)
            last = self._stopping.wait(RETRY_SECONDS)

    def _give_up(self, batch: list[Job]) -> None:
        """The process ends before the file can be written: what is lost is said, for nothing is left to keep it."""
        lost = Counter(job.table.name if job.table is not None else "others" for job in batch)
        log.error("Lost with the end, by table: %s; the store could not be written: %s", dict(lost), self.fault)
        with self._counting:
            dropped = {f"{table.name} ({reason})": rows for (table, reason), rows in self._dropped.items()}
        if dropped:
            log.error("Dropped before it, and in no book: %s", dropped)

    def _commit_group(self, batch: list[Job]) -> set[Table]:
        if self._unusable:
            self._reopen()
        before = self._clock.last
        with self._counting:
            dropped = self._dropped.copy()
        transaction = Transaction(self._connection, self._clock)
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            for job in batch:
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
        with self._counting:
            self._dropped -= dropped
        return transaction.changed

    def _unavailable(self, batch: list[Job], error: Exception) -> list[Job]:
        """The changes that can wait until the file can be written again; who waits for the others is told."""
        fault = str(error)
        if self.fault is None:
            self._tries = 0
            log.error("The local store cannot be written: %s", fault)
        self.fault = fault
        self._tries += 1
        # A file that only was full or locked is as good as before; any other may need to be opened anew.
        self._unusable = self._unusable or is_damage(error) or self._tries % REOPEN_TRIES == 0
        for job in batch:
            job.tell(fault)
        return [job for job in batch if job.done is None]

    def _one_by_one(self, batch: list[Job], error: Exception) -> None:
        """One change of the group cannot be stored at all: the others are, and it is counted."""
        if len(batch) > 1:
            for job in batch:
                self._commit([job])
            return
        log.error("A change could not be stored", exc_info=error)
        for job in batch:
            job.tell(str(error))
            if job.table is not None:
                self._count_drop(job.table, "unstorable")

    def _reopen(self) -> None:
        """Open the file anew; one that is damaged is set aside and another begun. Raises what `open_store` does.

        The clock stays: what was sent from the file that is gone must not look newer than what comes.
        """
        self._connection.close()
        before = _identity(self.path)
        self._connection = open_store(self.path)
        if _identity(self.path) != before:
            self.files_begun += 1
        self._unusable = False

    def _count_drop(self, table: Table, reason: str) -> None:
        with self._counting:
            self._dropped[table, reason] += 1


def is_the_files(error: Exception) -> bool:
    """Whether `error` is the file's or the disk's, and may pass; any other accuses the change."""
    return isinstance(error, (sqlite3.OperationalError, OSError, StoreTooNew)) or is_damage(error)


def is_damage(error: Exception) -> bool:
    """Whether `error` says that the file is no sound database."""
    name = str(getattr(error, "sqlite_errorname", ""))
    return isinstance(error, sqlite3.DatabaseError) and name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB"))


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
