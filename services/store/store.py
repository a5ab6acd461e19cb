"""The local store as the other services see it: hand over, commit, read."""

from __future__ import annotations

import asyncio
import fcntl
import sqlite3
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from typing import IO, Self, TypeVar

from services.errors import StoreUnavailable, Unstartable
from services.i18n import N_
from services.store.tables import Table
from services.store.writer import Change, Writer

T = TypeVar("T")
COMMIT_TIMEOUT = 5.0
READ_END_TIMEOUT = 0.5
CLOSE_TIMEOUT = 1.5


class StoreInUse(Unstartable):
    """Another process uses this DATA_DIR."""


class StoreUnusable(Unstartable):
    """DATA_DIR cannot be written, or the disk is full."""


class Store:
    """`async with Store(folder)`: the bot's local store in `folder/bot.db`, locked against a second process.

    Raises on entering:
        StoreInUse: another bot runs on this folder.
        StoreTooNew: a newer release wrote the file.
        StoreUnusable: the folder cannot be written, or the disk is full.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "bot.db"
        self.listeners: list[Callable[[set[Table]], None]] = []
        """Called on the event loop after each commit, with the tables that have rows waiting."""

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        try:
            self._lock = self._take_lock()
            try:
                # On a thread: looking through a large file takes seconds, and a signal has to be heard meanwhile.
                self._writer = await asyncio.to_thread(Writer, self.path, self._committed)
            except BaseException:
                self._lock.close()
                raise
        except (OSError, sqlite3.Error) as error:
            raise StoreUnusable(
                N_("DATA_DIR {folder} cannot be used ({error}): it has to be writable, with room on its disk."),
                folder=self.path.parent,
                error=error.strerror or error if isinstance(error, OSError) else error,
            ) from error
        # Reads have a thread and a connection of their own: sharing the writer's made readers wait for its fsync.
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="store-reader")
        self._reading: sqlite3.Connection | None = None
        self._reading_file = 0
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._reading is not None:
            self._reading.interrupt()
        closed = self._reader.submit(self._close_reading)
        self._reader.shutdown(wait=False)
        # The writer's connection goes last: the last one to close empties the WAL into the file.
        await asyncio.to_thread(wait, [closed], READ_END_TIMEOUT)
        await asyncio.to_thread(self._writer.close, CLOSE_TIMEOUT)
        self._lock.close()

    @property
    def fault(self) -> str | None:
        """Why nothing can be committed now; None while all is well."""
        return self._writer.fault

    @property
    def held(self) -> int:
        """Changes handed over and not yet committed."""
        return self._writer.held

    @property
    def files_begun(self) -> int:
        """1, and one more whenever a damaged file was set aside and an empty one begun."""
        return self._writer.files_begun

    def hand_over(self, change: Change, table: Table | None = None) -> None:
        """Give a change to the writer; from any thread, in microseconds, without waiting."""
        self._writer.submit(change, table)

    async def commit(self, change: Change, table: Table | None = None, undo: Change | None = None) -> None:
        """Give a change to the writer and return once it is on the disk.

        What the disk is in the middle of cannot be taken back: then its outcome is waited for, or, with `undo`, that
        comes right after it, and nobody has to wait for a disk that hangs.

        Raises:
            StoreUnavailable: it is not committed, nor will it be later (but for `undo`): the store cannot be written,
                or is busy.
        """
        done: Future[None] = Future()
        self._writer.submit(change, table, done)
        committed = asyncio.wrap_future(done)
        try:
            await asyncio.wait({committed}, timeout=COMMIT_TIMEOUT)
        except asyncio.CancelledError:
            committed.cancel()
            raise
        if done.cancel():
            raise StoreUnavailable(f"no commit within {COMMIT_TIMEOUT:g} s")
        if undo is not None and not done.done():
            committed.add_done_callback(_heard)
            self.hand_over(undo)
            raise StoreUnavailable(f"no commit within {COMMIT_TIMEOUT:g} s; it will be undone")
        await committed

    async def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Run `query` on the reading connection (rows come as `sqlite3.Row`), on a thread of its own."""
        return await self._loop.run_in_executor(self._reader, self._read, query)

    def _read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        if self._reading_file != self._writer.files_begun:
            # Under this connection is a file that was set aside: it would answer for ever, and nothing would change.
            self._close_reading()
            self._reading_file = self._writer.files_begun
        if self._reading is None:
            # Not by `mode=ro`: a read-only connection cannot open a WAL file whose shared memory is not there yet.
            self._reading = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
            self._reading.row_factory = sqlite3.Row
            self._reading.execute("PRAGMA query_only = ON")
        try:
            return query(self._reading)
        except sqlite3.DatabaseError:
            # The connection may be what is broken; the next read has another.
            self._close_reading()
            raise

    def _close_reading(self) -> None:
        if self._reading is not None:
            self._reading.close()
            self._reading = None

    def _committed(self, changed: set[Table]) -> None:
        # A writer that a hung disk has kept beyond the loop's end has nobody to tell.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._tell, changed)

    def _tell(self, changed: set[Table]) -> None:
        for listener in self.listeners:
            listener(changed)

    def _take_lock(self) -> IO[str]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lock = self.path.with_name("bot.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.close()
            if not isinstance(error, BlockingIOError):
                raise
            raise StoreInUse(
                N_("Another bot runs on {folder}: give each its own DATA_DIR."), folder=self.path.parent
            ) from None
        return lock


def _heard(outcome: asyncio.Future[None]) -> None:
    """Nobody waits for `outcome` any more; asyncio would complain of an error that nobody looks at."""
    if not outcome.cancelled():
        outcome.exception()
