"""The disk under a running bot: music plays on, chat says why it does not, both recover, and the books balance."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from services.store.books import Books, read_books
from tests.damage import damage
from tests.e2e.conftest import Town
from tests.torture.long_track import add_long_track
from tests.torture.small_disk import allow_writing, fill, forbid_writing, mounted, small_disk

__all__ = ["small_disk"]


async def ready(town: Town, *, wanted: bool) -> str:
    """Wait until the bot says of its store that it can (or cannot) be written; what it says."""
    async with asyncio.timeout(30):
        while True:
            status, body = await town.health("/readyz")
            store = json.loads(body)["services"]["store"]
            if (store["state"] == "ok") is wanted and status == (200 if wanted else 503):
                return store["detail"]
            await asyncio.sleep(0.1)  # nobody is told when a store fails


async def asked(town: Town, prompt: str, answer: str) -> None:
    use = await town.ask("ask", prompt=prompt)
    await use.finished(lambda use: answer in use.text, timeout=15)


async def music_plays_on(town: Town) -> None:
    (before,) = (player.state()["position"] for player in town.players())
    await town.ask("pause")
    await town.ask("resume")

    def moves() -> bool:
        (player,) = town.players()
        return player.state()["connected"] and player.state()["position"] > before

    await town.world.lavalink.until(moves, 10)


def books_of(town: Town) -> dict[str, Books]:
    with sqlite3.connect(Path(town.environment["DATA_DIR"]) / "bot.db", isolation_level=None) as store:
        books = read_books(store)
    store.close()
    return books


async def all_is_there(town: Town, asked: int) -> None:
    """The bot stops; every question and both plays are in Supabase once, and the books balance."""
    await town.ask("skip")
    await town.rows("gemini_usage", lambda rows: [row["status"] for row in rows].count("settled") == asked)
    await town.rows("music_history", lambda rows: [row["end_reason"] for row in rows] == ["skipped"])
    assert await town.bot.terminate() == 0
    books = books_of(town)
    assert all(book.balanced and not book.set_aside for book in books.values()), books
    for table in ("music_history", "gemini_usage"):
        assert not books[table].waiting
        assert not books[table].dropped
    assert len(town.world.gemini.account.calls) == asked


@pytest.mark.parametrize("fault", ["full", "not writable"])
async def test_a_disk_that_cannot_be_written_is_said_and_survived(
    quiet_town: Town, small_disk: Path, fault: str, shown: Callable[..., None]
) -> None:
    town = quiet_town
    town.expects_trouble = True  # a log that cannot be written either
    town.configure(DATA_DIR=str(small_disk / "data"))
    add_long_track(town.world.music)
    await town.bot.start()
    await town.bot.started()
    await town.play("endless")
    await asked(town, "hello", "hello")
    filler = None
    if fault == "full":
        filler = fill(small_disk)
    else:
        forbid_writing(town.bot.pid)
    detail = await ready(town, wanted=False)
    assert "DATA_DIR" in detail
    await asked(town, "are you there?", "note down")
    await music_plays_on(town)
    assert "bot_rows_accepted_total" in (await town.health("/metrics"))[1]
    assert (await town.health("/livez"))[0] == 200
    if filler is not None:
        filler.unlink()
    else:
        allow_writing(town.bot.pid)
    await ready(town, wanted=True)
    await asked(town, "and now?", "and now?")
    await all_is_there(town, asked=2)
    shown(plays_lost=0, questions_lost=0)


async def test_a_file_damaged_under_the_bot_is_set_aside_and_said(quiet_town: Town, shown: Callable[..., None]) -> None:
    town = quiet_town
    add_long_track(town.world.music)
    await town.bot.start()
    await town.bot.started()
    await town.play("endless")
    await asked(town, "hello", "hello")
    await town.rows("gemini_usage", lambda rows: [row["status"] for row in rows] == ["settled"])
    damage(Path(town.environment["DATA_DIR"]) / "bot.db")
    async with asyncio.timeout(20):
        while "set aside as bot.db.damaged-" not in town.bot.log():
            await asyncio.sleep(0.05)
    await music_plays_on(town)
    await ready(town, wanted=True)
    await asked(town, "and now?", "and now?")
    await all_is_there(town, asked=2)
    shown(plays_lost=0, questions_lost=0)


async def test_a_disk_that_is_read_only_at_the_start_is_named_and_then_used(
    quiet_town: Town, small_disk: Path, shown: Callable[..., None]
) -> None:
    quiet_town.configure(DATA_DIR=str(small_disk / "data"))
    await mounted(small_disk, "ro")
    await quiet_town.bot.start()
    assert await quiet_town.bot.wait() == 1
    assert "DATA_DIR" in quiet_town.bot.log()
    await mounted(small_disk, "rw")
    await quiet_town.bot.start()
    await quiet_town.bot.started()
    shown(plays_lost=0, questions_lost=0)
