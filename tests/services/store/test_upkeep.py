"""The store stays small without losing count of a row."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from services.recorder import Recorder
from services.rows import LogEntry, Row, Stat, State
from services.store import TABLES, Store
from services.store.books import Books, read_books
from services.store.schema import VERSIONS
from services.store.upkeep import Upkeep
from tests.samples import entry, new_id, now, play, session, usage


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with Store(tmp_path) as opened:
        yield opened


async def record(store: Store, *rows: Row) -> None:
    recorder = Recorder(store)
    for row in rows:
        recorder.record(row)
    await store.commit(lambda _: None)


async def deliver(store: Store) -> None:
    """Everything that waits is acknowledged."""
    for table in TABLES:
        sent = await store.read(
            lambda c, table=table: [tuple(row) for row in c.execute(f"SELECT {table.key}, revision FROM {table.name}")]
        )
        await store.commit(lambda transaction, table=table, sent=sent: transaction.acknowledge(table, sent))


async def books_of(store: Store) -> dict[str, Books]:
    books = await store.read(read_books)
    assert all(book.balanced for book in books.values()), books
    return books


async def messages(store: Store) -> list[str]:
    return await store.read(lambda c: [row[0] for row in c.execute("SELECT message FROM bot_logs ORDER BY rowid")])


def stat() -> Stat:
    return Stat(new_id(), now(), 1.0, 1.0, 1.0, None, None)


async def test_delivered_rows_age_out_into_the_books_and_what_waits_or_is_open_stays(store: Store) -> None:
    old, older = now() - timedelta(days=80), now() - timedelta(days=100)
    ended = {"ended_at": now(), "end_reason": "finished", "played_ms": 1}
    await record(
        store,
        play(created_at=old, **ended),
        play(created_at=older, **ended),
        play(created_at=older),
        usage(created_at=older, status="settled"),
        usage(created_at=older, status="open"),
        replace(entry("delivered"), created_at=old),
        replace(stat(), created_at=old),
    )
    await deliver(store)
    await record(store, replace(entry("waits"), created_at=older))
    await Upkeep(store, now).tidy()
    books = await books_of(store)
    assert {name: (book.accepted, book.replicated) for name, book in books.items() if book.accepted} == {
        "music_history": (3, 3),
        "gemini_usage": (2, 2),
        "bot_logs": (2, 1),
        "system_stats": (1, 1),
    }
    kept = await store.read(
        lambda c: {table.name: c.execute(f"SELECT count(*) FROM {table.name}").fetchone()[0] for table in TABLES}
    )
    assert (kept["music_history"], kept["gemini_usage"], kept["bot_logs"], kept["system_stats"]) == (2, 1, 1, 0)
    assert await messages(store) == ["waits"]


async def test_statistics_and_logs_stay_within_their_bound_and_the_least_worth_goes_first(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.store.upkeep.SLICE_ROWS", 50)
    rows: list[Row] = [stat() for _ in range(300)]
    rows += [
        LogEntry(new_id(), now(), level, "x" * 2_000) for level in ("ERROR", "INFO", "WARNING") for _ in range(150)
    ]
    rows += [play() for _ in range(100)]
    await record(store, *rows)
    bound = 1_000_000
    monkeypatch.setattr("services.store.upkeep.BOUND_BYTES", bound)
    await Upkeep(store, now).tidy()
    books = await books_of(store)
    assert books["system_stats"].dropped == {"disk_bound": 300}
    levels = await store.read(
        lambda c: dict(c.execute("SELECT level, count(*) FROM bot_logs GROUP BY level").fetchall())
    )
    assert "INFO" not in levels
    assert 0 < levels.get("WARNING", 0) < 150
    assert levels["ERROR"] == 150
    assert sum(books["bot_logs"].dropped.values()) == 450 - sum(levels.values())
    assert books["music_history"].waiting == 100
    assert books["music_history"].dropped == {}


async def test_what_is_delivered_makes_room_before_anything_is_dropped(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await record(store, *(LogEntry(new_id(), now(), "ERROR", "x" * 2_000) for _ in range(400)))
    await deliver(store)
    await record(store, *(LogEntry(new_id(), now(), "DEBUG", "y" * 2_000) for _ in range(100)))
    monkeypatch.setattr("services.store.upkeep.BOUND_BYTES", 800_000)
    await Upkeep(store, now).tidy()
    books = await books_of(store)
    assert books["bot_logs"].dropped == {}
    assert books["bot_logs"].waiting == 100


@pytest.mark.parametrize("dbstat", [True, False])
async def test_a_long_history_takes_no_room_from_statistics_and_logs(
    store: Store, monkeypatch: pytest.MonkeyPatch, dbstat: bool
) -> None:
    if not dbstat:
        monkeypatch.setattr("services.store.upkeep.PAGES_TAKEN", "SELECT 1 FROM no_such_table")
    rows: list[Row] = [play(track_title="t" * 2_000) for _ in range(300)]
    rows += [State(f"key:{number}", {"of": "s" * 2_000}) for number in range(300)]
    await record(store, *rows, stat(), *(entry("x" * 100) for _ in range(1_000)))
    monkeypatch.setattr("services.store.upkeep.BOUND_BYTES", 1_000_000)
    monkeypatch.setattr("services.store.upkeep.SLICE_ROWS", 50)
    await Upkeep(store, now).tidy()
    books = await books_of(store)
    assert (books["system_stats"].dropped, books["bot_logs"].dropped) == ({}, {})
    monkeypatch.setattr("services.store.upkeep.BOUND_BYTES", 100_000)
    await Upkeep(store, now).tidy()
    books = await books_of(store)
    assert 500 <= books["bot_logs"].dropped["disk_bound"] < 1_000


async def test_a_file_that_cannot_shrink_is_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def without_vacuum(path: Path) -> sqlite3.Connection:
        """As on a disk that has no room for it."""
        return sqlite3.connect(path, isolation_level=None, check_same_thread=False)

    path = tmp_path / "bot.db"
    async with Store(tmp_path) as store:
        await record(store, *(entry("x" * 4_000) for _ in range(2_000)))
        await deliver(store)
    fixed = sqlite3.connect(path)
    fixed.executescript("PRAGMA journal_mode = DELETE; PRAGMA auto_vacuum = NONE; VACUUM; PRAGMA journal_mode = WAL;")
    fixed.close()
    monkeypatch.setattr("services.store.writer.open_store", without_vacuum)
    async with Store(tmp_path) as store:
        assert await store.read(lambda c: c.execute("PRAGMA auto_vacuum").fetchone()[0]) == 0
        async with asyncio.timeout(20):
            await Upkeep(store, lambda: now() + timedelta(days=8)).tidy()
        assert await store.read(lambda c: c.execute("PRAGMA freelist_count").fetchone()[0]) > 500


async def test_the_file_shrinks(tmp_path: Path) -> None:
    async with Store(tmp_path) as store:
        await record(store, *(entry("x" * 4_000) for _ in range(2_000)))
        await deliver(store)
        await Upkeep(store, lambda: now() + timedelta(days=8)).tidy()
    assert (tmp_path / "bot.db").stat().st_size < 4 * 2**20
    assert not (tmp_path / "bot.db-wal").exists()


async def test_a_file_of_the_first_version_is_copied_brought_up_to_date_and_can_shrink(tmp_path: Path) -> None:
    path = tmp_path / "bot.db"
    with sqlite3.connect(path) as first:
        first.executescript(f"PRAGMA journal_mode = WAL; BEGIN; {VERSIONS[0]} PRAGMA user_version = 1; COMMIT;")
        first.execute(
            "INSERT INTO active_sessions (guild_id, track_title, position_ms, duration_ms, is_playing, updated_at, "
            "speed, application_id, revision) VALUES ('5', 'before', 0, 1, 1, '2026-01-01T00:00:00+00:00', 1, '1', 7)"
        )
    first.close()
    async with Store(tmp_path) as store:
        await Recorder(store).commit(session("6"))
        rows = await store.read(
            lambda c: [tuple(row) for row in c.execute("SELECT guild_id, tick FROM active_sessions ORDER BY guild_id")]
        )
        assert rows == [("5", 0), ("6", 0)]
        assert await store.read(lambda c: c.execute("PRAGMA auto_vacuum").fetchone()[0]) == 2
    with sqlite3.connect(tmp_path / "bot.db.bak-1") as copy:
        assert copy.execute("PRAGMA user_version").fetchone() == (1,)
        assert copy.execute("SELECT track_title FROM active_sessions").fetchall() == [("before",)]
    copy.close()


async def test_a_tick_is_marked_until_a_person_changes_something(store: Store) -> None:
    recorder = Recorder(store)

    async def tick() -> int:
        await store.commit(lambda _: None)
        return await store.read(lambda c: c.execute("SELECT tick FROM active_sessions").fetchone()[0])

    recorder.record_tick(session("5"))
    assert await tick() == 0, "a session that is not known yet is news"
    recorder.record_tick(session("5", position_ms=1))
    assert await tick() == 0, "the news is not delivered yet"
    await deliver(store)
    recorder.record_tick(session("5", position_ms=2))
    assert await tick() == 1
    recorder.record_tick(session("5", position_ms=3))
    assert await tick() == 1
    recorder.record(session("5", is_playing=False))
    assert await tick() == 0
    await deliver(store)
    recorder.record_tick(session("5", position_ms=4))
    recorder.close_session("5")
    assert await tick() == 0
