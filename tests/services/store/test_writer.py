"""Whatever happens to the file or to a change, the writer goes on and what was handed over is kept."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from services.errors import StoreUnavailable
from services.recorder import Recorder
from services.rows import LogEntry, Stat
from services.store import Store
from services.store.books import read_books
from services.store.schema import open_store
from services.store.tables import TABLE_OF
from services.store.transaction import Transaction
from services.store.writer import Change
from tests.damage import damage
from tests.samples import entry, new_id, now, play, session


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same waits, shorter."""
    monkeypatch.setattr("services.store.writer.RETRY_SECONDS", 0.02)


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not await holds():
            await asyncio.sleep(0.01)


async def plays(store: Store) -> int:
    return await store.read(lambda connection: connection.execute("SELECT count(*) FROM music_history").fetchone()[0])


def hold(until: threading.Event) -> Change:
    """A change that takes as long as the test wants."""

    def wait(_: Transaction) -> None:
        until.wait(5)

    return wait


@pytest.mark.parametrize("fault", [KeyError("x"), RuntimeError("x"), AttributeError("x"), OverflowError("x")])
async def test_a_change_that_fails_in_any_way_takes_neither_others_nor_the_writer_along(
    tmp_path: Path, fault: Exception
) -> None:
    def bad(_: Any) -> None:
        raise fault

    async with Store(tmp_path) as store:
        recorder = Recorder(store)
        recorder.record(play())
        store.hand_over(bad, TABLE_OF[Stat])
        recorder.record(play())
        with pytest.raises(StoreUnavailable):
            await store.commit(bad)
        await recorder.commit(play())
        assert await plays(store) == 3
        assert (await store.read(read_books))["system_stats"].dropped == {"unstorable": 1}


async def test_a_file_damaged_while_the_bot_runs_is_replaced_and_seen_by_readers(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with Store(tmp_path) as store:
        recorder = Recorder(store)
        await recorder.commit(play())
        ahead = 3_900_000_000_000_000
        await store.commit(lambda transaction: transaction.lift_clock(ahead))
        assert await plays(store) == 1
        damage(store.path)
        kept = [play() for _ in range(3)]
        for row in kept:
            recorder.record(row)

        async def recovered() -> bool:
            try:
                return await plays(store) == 3 and store.fault is None
            except sqlite3.Error:
                return False

        await until(recovered)
        lowest = await store.read(lambda c: c.execute("SELECT min(revision) FROM music_history").fetchone()[0])
        assert lowest > ahead
        assert all(books.balanced for books in (await store.read(read_books)).values())
    assert list(tmp_path.glob("bot.db.damaged-*"))
    assert "set aside" in caplog.text


async def test_a_session_that_was_in_a_damaged_file_still_goes_remotely(tmp_path: Path) -> None:
    async with Store(tmp_path) as store:
        Recorder(store).close_session("5")
        await store.commit(lambda _: None)
        rows = await store.read(
            lambda c: [tuple(row) for row in c.execute("SELECT guild_id, deleted FROM active_sessions")]
        )
        assert rows == [("5", 1)]
        await Recorder(store).commit(session("5"))
        assert (await store.read(read_books))["active_sessions"].accepted == 1


async def test_a_damaged_file_that_cannot_be_replaced_at_once_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals = iter([OSError("read-only"), sqlite3.OperationalError("disk is full"), OSError("read-only")])

    def refuse(path: Path) -> sqlite3.Connection:
        if error := next(refusals, None):
            raise error
        return open_store(path)

    async with Store(tmp_path) as store:
        recorder = Recorder(store)
        await recorder.commit(play())
        monkeypatch.setattr("services.store.writer.open_store", refuse)
        damage(store.path)
        for _ in range(700):
            recorder.record(play())

        async def recovered() -> bool:
            try:
                return await plays(store) == 700
            except sqlite3.Error:
                return False

        await until(recovered)
        assert (await store.read(read_books))["music_history"].dropped == {}


async def test_a_disk_that_fills_up_while_a_bad_change_is_looked_for_drops_nothing_else(tmp_path: Path) -> None:
    """The group fails for one change; the others go one by one, and meet a full disk on the way."""
    faults = iter([sqlite3.OperationalError("database or disk is full")] * 3)

    class Filling:
        def __init__(self, connection: sqlite3.Connection) -> None:
            self.connection = connection
            self.alone = False

        def execute(self, sql: str, *values: Any) -> Any:
            if sql == "COMMIT" and self.alone and (fault := next(faults, None)):
                raise fault
            return self.connection.execute(sql, *values)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.connection, name)

    async with Store(tmp_path) as store:
        recorder = Recorder(store)
        writer: Any = store._writer  # pyright: ignore[reportPrivateUsage] - there is no other way to fill its disk
        filling = writer._connection = Filling(writer._connection)

        def bad(_: Any) -> None:
            filling.alone = True
            raise ValueError("unstorable")

        held = threading.Event()
        store.hand_over(hold(held))
        recorder.record(play())
        recorder.record(play())
        store.hand_over(bad, TABLE_OF[Stat])
        recorder.record(entry())
        held.set()

        async def recovered() -> bool:
            return await plays(store) == 2 and store.fault is None

        await until(recovered)
        await recorder.commit(play())
        books = await store.read(read_books)
        assert books["music_history"].dropped == {}
        assert books["system_stats"].dropped == {"unstorable": 1}


async def test_a_commit_that_the_disk_is_in_the_middle_of_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever was told that nothing was kept must not find it later, and the other way round."""
    monkeypatch.setattr("services.store.store.COMMIT_TIMEOUT", 0.05)
    entered, goes_on = threading.Event(), threading.Event()

    def slow(transaction: Any) -> None:
        entered.set()
        goes_on.wait(5)
        transaction.put(play())

    async with Store(tmp_path) as store:
        begun = asyncio.create_task(store.commit(slow))
        await asyncio.to_thread(entered.wait, 5)
        with pytest.raises(StoreUnavailable):
            await Recorder(store).commit(play())
        assert not begun.done()
        goes_on.set()
        await begun
        assert await plays(store) == 1


async def test_a_commit_that_was_cancelled_leaves_the_writer_well(tmp_path: Path) -> None:
    entered, goes_on = threading.Event(), threading.Event()

    def held(_: Transaction) -> None:
        entered.set()
        goes_on.wait(5)

    async with Store(tmp_path) as store:
        store.hand_over(held)
        await asyncio.to_thread(entered.wait, 5)
        waiting = asyncio.create_task(Recorder(store).commit(play()))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        goes_on.set()
        await Recorder(store).commit(Stat(new_id(), now(), 1.0, 1.0, 1.0, None, None))
        assert await plays(store) == 0


async def test_while_nothing_can_be_written_ticks_are_not_taken_in_and_no_deletion_is_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.store.writer.HELD_IN_MEMORY", 5)
    full = True

    class Full:
        def __init__(self, connection: sqlite3.Connection) -> None:
            self.connection = connection

        def execute(self, sql: str, *values: Any) -> Any:
            if sql == "COMMIT" and full:
                raise sqlite3.OperationalError("database or disk is full")
            return self.connection.execute(sql, *values)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.connection, name)

    async with Store(tmp_path) as store:
        recorder = Recorder(store)
        await recorder.commit(session("5"))
        writer: Any = store._writer  # pyright: ignore[reportPrivateUsage] - there is no other way to fill its disk
        writer._connection = Full(writer._connection)
        store.hand_over(lambda _: None)

        async def faulty() -> bool:
            return store.fault is not None

        async def recovered() -> bool:
            return store.fault is None

        await until(faulty)
        for _ in range(20):
            recorder.record_tick(session("6"))
        for _ in range(7):
            recorder.record(play())
        recorder.close_session("5")
        full = False
        await until(recovered)
        await store.commit(lambda _: None)
        books = await store.read(read_books)
        assert books["music_history"].dropped == {"disk_full": 2}
        assert books["active_sessions"].dropped == {}
        rows = await store.read(
            lambda c: [tuple(row) for row in c.execute("SELECT guild_id, deleted FROM active_sessions")]
        )
        assert rows == [("5", 1)]
        assert all(book.balanced for book in books.values())


@pytest.fixture
async def full_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Store, list[LogEntry]]:
    """A store whose disk has no room for the rows that were handed over; its writer is in the middle of its wait."""
    monkeypatch.setattr("services.store.writer.RETRY_SECONDS", 60)
    rows = [entry(f"{number:08000}") for number in range(20)]
    store = await Store(tmp_path).__aenter__()
    await store.commit(lambda transaction: limit_pages(transaction._connection, 1))  # pyright: ignore[reportPrivateUsage]
    for row in rows:
        Recorder(store).record(row)

    async def faulty() -> bool:
        return store.fault is not None

    await until(faulty)
    return store, rows


def limit_pages(connection: sqlite3.Connection, most: int) -> None:
    """SQLite's own limit: beyond `most` pages, or as many as there are, its disk is full."""
    connection.execute(f"PRAGMA max_page_count = {most}")


async def test_what_waited_for_room_is_tried_once_more_at_the_end(
    full_store: tuple[Store, list[LogEntry]], tmp_path: Path
) -> None:
    store, rows = full_store
    limit_pages(store._writer._connection, 100_000)  # pyright: ignore[reportPrivateUsage]
    await store.__aexit__()
    kept = {row[0] for row in sqlite3.connect(tmp_path / "bot.db").execute("SELECT event_id FROM bot_logs")}
    assert kept == {row.event_id for row in rows}


async def test_what_is_lost_with_a_full_disk_is_said_by_table(
    full_store: tuple[Store, list[LogEntry]], caplog: pytest.LogCaptureFixture
) -> None:
    store, rows = full_store
    await store.__aexit__()
    assert f"Lost with the end, by table: {{'bot_logs': {len(rows)}}}" in caplog.text
    assert "full" in caplog.text


async def test_a_drop_right_before_the_end_is_in_the_books(tmp_path: Path) -> None:
    def bad(_: Any) -> None:
        raise ValueError("unstorable")

    async with Store(tmp_path) as store:
        store.hand_over(bad, TABLE_OF[Stat])
    async with Store(tmp_path) as store:
        assert (await store.read(read_books))["system_stats"].dropped == {"unstorable": 1}
