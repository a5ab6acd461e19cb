"""What was accepted survives a power cut: SQLite's files are rebuilt as the disk may have left them."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from services.store import Store
from services.store.books import read_books
from tests.real_parts import require
from tests.torture.conftest import FULL
from tests.torture.disk import Disk, Event, Said, read_trace

CUTS = 500 if FULL else 25
COMMITS = 700 if FULL else 300
"""Enough that the WAL is emptied into the file on the way."""
PROGRAM = Path(__file__).with_name("writing.py")
CALLS = "trace=pwrite64,write,fsync,fdatasync,ftruncate"


def record(folder: Path, pragma: str | None = None) -> list[Event]:
    """All that the program did to the disk."""
    require("strace", None if shutil.which("strace") else "apt-get install strace")
    log = folder / "trace"
    command = ["strace", "-f", "-y", "-xx", "-s", "1000000", "-e", CALLS, "-o", str(log)]
    command += [sys.executable, str(PROGRAM), str(folder / "written"), str(COMMITS)]
    command += [pragma] if pragma else []
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert "closed" in done.stdout, done.stderr
    return read_trace(log)


async def lost(events: list[Event], folder: Path, chance: random.Random, cuts: int) -> int:
    """Rows that were acknowledged before a cut and are not there after it, over all cuts."""
    missing = 0
    moments = sorted(chance.sample(range(len(events)), cuts))
    disk, acknowledged, position = Disk(), dict[str, int](), 0
    for number, moment in enumerate(moments):
        for event in events[position : moment + 1]:
            if isinstance(event, Said):
                key, _, played_ms = event.text.partition(" ")
                acknowledged[key] = int(played_ms or 0)
            else:
                disk.take(event)
        position = moment + 1
        missing += await _missing(disk.cut(chance), folder / str(number), acknowledged)
    return missing


async def _missing(files: dict[str, bytes], folder: Path, acknowledged: dict[str, int]) -> int:
    folder.mkdir()
    for name, content in files.items():
        if name in {"bot.db", "bot.db-wal"}:
            (folder / name).write_bytes(content)
    async with Store(folder) as store:
        kept = dict(await store.read(lambda c: c.execute("SELECT event_id, played_ms FROM music_history").fetchall()))
        books = await store.read(read_books)
    balanced = all(book.balanced for book in books.values())
    shutil.rmtree(folder)
    rows = {key: played for key, played in acknowledged.items() if key != "closed\n"}
    return sum(kept.get(key) != played for key, played in rows.items()) + (not balanced)


@pytest.mark.timeout(600)
async def test_no_acknowledged_row_is_lost_by_a_power_cut(
    tmp_path: Path, seed: int, shown: Callable[..., None]
) -> None:
    events = record(tmp_path)
    assert await lost(events, tmp_path, random.Random(seed), CUTS) == 0
    shown(cuts=CUTS, commits=COMMITS, acknowledged_rows_lost=0)


@pytest.mark.timeout(600)
async def test_the_test_would_see_a_store_that_does_not_sync(
    tmp_path: Path, seed: int, shown: Callable[..., None]
) -> None:
    events = record(tmp_path, "synchronous = OFF")
    missing = await lost(events, tmp_path, random.Random(seed), 25)
    assert missing > 0
    shown(cuts=25, rows_lost_without_sync_as_they_should_be=missing)
