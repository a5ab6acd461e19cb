"""The doctor on the local store: it only reads, whatever state the file is in."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from services.recorder import Recorder
from services.rows import State
from services.store import Store
from services.store.schema import VERSIONS
from services.store.tables import TABLE_OF
from tests.e2e.doctor import Surgery

BOT_STATE = TABLE_OF[State]


@pytest.fixture
def surgery(tmp_path: Path) -> Surgery:
    """The doctor with a local store alone."""
    return Surgery(tmp_path)


@pytest.fixture
async def path(surgery: Surgery) -> Path:
    """A store with two rows, one of which was refused, as a bot that was stopped left it."""
    async with Store(Path(surgery.settings["DATA_DIR"])) as store:
        recorder = Recorder(store)
        for key in ("one", "two"):
            await recorder.commit(State(key, {}))
        revision = await store.read(
            lambda connection: connection.execute("SELECT revision FROM bot_state WHERE key = 'two'").fetchone()[0]
        )
        await store.commit(
            lambda transaction: transaction.set_aside(BOT_STATE, "two", revision, "bot_state: invalid (22P02)")
        )
        return store.path


def sql(path: Path, statement: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(path) as connection:
        rows = connection.execute(statement).fetchall()
    connection.close()
    return rows


def marks(path: Path) -> list[object]:
    return [value for (value,) in sql(path, "SELECT value FROM local_facts WHERE name = 'retry-set-aside'")]


async def test_a_folder_without_a_store_stays_without(surgery: Surgery) -> None:
    seen = await surgery.look("--retry-set-aside")
    assert seen.wrong == {}
    assert seen.states["store.file"] == {"off"}
    assert not Path(surgery.settings["DATA_DIR"]).exists()


async def test_what_waits_and_what_was_refused_is_told(surgery: Surgery, path: Path) -> None:
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    files = {*path.parent.iterdir()}
    seen = await surgery.look()
    assert {*path.parent.iterdir()} == files, "the bot's user may be another"
    assert seen.wrong.keys() == {("store.set_aside", "bot_state two")}
    told = seen.wrong["store.set_aside", "bot_state two"]
    assert "22P02" in told
    assert "--retry-set-aside" in told
    (backlog,) = (found["message"] for found in seen.findings if found["name"] == "store.backlog")
    assert "bot_state 1" in backlog
    assert seen.states["store.books"] == seen.states["store.disk"] == {"ok"}
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before


async def test_what_a_killed_bot_left_is_read_and_left_as_it_is(surgery: Surgery) -> None:
    left = surgery.folder / "left"
    left.mkdir()
    async with Store(surgery.folder / "data") as store:
        await Recorder(store).commit(State("one", {}))
        for suffix in ("", "-wal"):
            shutil.copy(f"{store.path}{suffix}", left)
    before = {file.name: file.read_bytes() for file in left.iterdir()}
    assert before["bot.db-wal"]
    seen = await surgery.look(DATA_DIR=str(left))
    assert seen.wrong == {}
    assert "bot_state 1" in seen.text
    assert {name: (left / name).read_bytes() for name in before} == before


async def test_the_mark_is_left_beside_the_owner_of_the_store(surgery: Surgery, path: Path) -> None:
    async with Store(path.parent) as store:
        seen = await surgery.look("--retry-set-aside")
        assert seen.wrong == {}
        first = marks(path)
        assert len(first) == 1
        await surgery.look("--retry-set-aside")
        assert len(marks(path)) == 1
        assert marks(path) != first
        await Recorder(store).commit(State("three", {}))


async def test_nothing_is_marked_unless_it_is_asked_for(surgery: Surgery, path: Path) -> None:
    await surgery.look("--write")
    assert marks(path) == []


async def test_a_damaged_file_is_told_and_left_alone(surgery: Surgery, path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096:20000] = os.urandom(20000 - 4096)
    for damaged in (bytes(content), b"not a database at all" * 500):
        path.write_bytes(damaged)
        seen = await surgery.look()
        assert "damaged" in seen.wrong["store.file", ""]
        assert path.read_bytes() == damaged


async def test_a_newer_releases_file_is_told_and_not_marked(surgery: Surgery, path: Path) -> None:
    sql(path, f"PRAGMA user_version = {len(VERSIONS) + 1}")
    seen = await surgery.look("--retry-set-aside")
    assert f"bak-{len(VERSIONS)}" in seen.wrong["store.file", ""]
    assert marks(path) == []


async def test_books_that_do_not_balance_are_told(surgery: Surgery, path: Path) -> None:
    sql(path, "DELETE FROM bot_state WHERE key = 'one'")
    assert "bot_state" in (await surgery.look()).wrong["store.books", ""]


@pytest.fixture
def unwritable(surgery: Surgery) -> Path:
    """A DATA_DIR that cannot be one, for root neither."""
    blocked = surgery.folder / "blocked"
    blocked.write_text("a file where a folder should be")
    return blocked


async def test_a_folder_that_cannot_be_written_is_told(surgery: Surgery, unwritable: Path) -> None:
    seen = await surgery.look(DATA_DIR=str(unwritable))
    assert "DATA_DIR" in seen.wrong["store.disk", ""]


async def test_of_many_refused_rows_some_are_listed(surgery: Surgery, path: Path) -> None:
    sql(
        path,
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50) "
        "INSERT INTO bot_state (key, value, revision, set_aside) SELECT 'k' || i, '{}', i, 'no' FROM n",
    )
    sql(path, "UPDATE books SET accepted = accepted + 50 WHERE table_name = 'bot_state'")
    seen = await surgery.look()
    assert len(seen.wrong) == 21
    assert ("store.set_aside", "…") in seen.wrong
