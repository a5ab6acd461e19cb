"""The local store, looked at read-only beside a running bot."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import time
from pathlib import Path

from services.doctor.check import SECONDS, Finding, off, ok, wrong
from services.doctor.set_aside import set_aside_findings
from services.i18n import N_
from services.store.books import read_books
from services.store.schema import VERSIONS

_LEAST_FREE = 256 << 20
"""Bytes: what statistics and logs alone may come to in an outage."""
_DAMAGED_CURE = N_(
    "Stop the bot and start it again: it sets the file aside and begins a new one, and what is in Supabase stays there."
)


async def store_findings(folder: Path, retrying: bool) -> list[Finding]:
    """On a thread of its own, which ends by itself in time."""
    return await asyncio.to_thread(_look, folder, time.monotonic() + SECONDS * 0.9, retrying)


def _look(folder: Path, deadline: float, retrying: bool) -> list[Finding]:
    path = folder / "bot.db"
    try:
        found = [_folder(folder)]
        if not path.exists():
            return [
                off("store.file", N_("There is none yet: the bot makes it in {folder} when it starts."), folder=folder),
                *found,
            ]
        # A file that nobody has open is whole. SQLite would make its companions anew, and leave them to this user.
        untouched = "" if path.with_name("bot.db-wal").exists() else "&immutable=1"
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro{untouched}", uri=True, isolation_level=None)
    except (OSError, sqlite3.Error) as error:
        return [_unreadable(folder, error)]
    try:
        # SQLite asks every so often whether to go on; True ends the statement.
        connection.set_progress_handler(lambda: time.monotonic() > deadline, 100_000)
        connection.execute("PRAGMA busy_timeout = 1000")
        return [*_file(connection, retrying), *found]
    except sqlite3.OperationalError as error:
        return [_unreadable(folder, error), *found]
    except sqlite3.DatabaseError as error:
        return [wrong("store.file", N_("The file is damaged ({error})."), _DAMAGED_CURE, error=error), *found]
    finally:
        connection.close()


def _file(connection: sqlite3.Connection, retrying: bool) -> list[Finding]:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(VERSIONS):
        return [
            wrong(
                "store.file",
                N_("The file was written by a newer release (schema {version}, this one knows {known})."),
                N_(
                    "Run that release again, or put bot.db.bak-{known} in the place of bot.db while the bot is stopped."
                ),
                version=version,
                known=len(VERSIONS),
            )
        ]
    verdict: str = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise sqlite3.DatabaseError(verdict)
    if version < len(VERSIONS):
        return [
            ok(
                "store.file",
                N_("The file is sound; the bot brings it from schema {version} to {known} when it starts."),
                version=version,
                known=len(VERSIONS),
            )
        ]
    sound = ok("store.file", N_("The file is sound (schema {version})."), version=version)
    return [sound, *_contents(connection), *set_aside_findings(connection, retrying=retrying)]


def _contents(connection: sqlite3.Connection) -> list[Finding]:
    books = read_books(connection)
    waiting = {name: book.waiting for name, book in books.items() if book.waiting}
    unbalanced = [name for name, book in books.items() if not book.balanced]
    dropped = sum(sum(book.dropped.values()) for book in books.values())
    details = ", ".join(f"{name} {rows}" for name, rows in waiting.items())
    return [
        ok(
            "store.backlog",
            N_("Rows that wait to be sent to Supabase: {rows} ({details})."),
            rows=sum(waiting.values()),
            details=details,
        )
        if waiting
        else ok("store.backlog", N_("No row waits to be sent to Supabase.")),
        wrong(
            "store.books",
            N_("The books do not balance: {tables}."),
            N_("Please report this with the log: rows may have been lost."),
            tables=", ".join(unbalanced),
        )
        if unbalanced
        else ok(
            "store.books",
            N_("The books balance: accepted {accepted}, sent {sent}, counted as dropped {dropped}."),
            accepted=sum(book.accepted for book in books.values()),
            sent=sum(book.replicated for book in books.values()),
            dropped=dropped,
        ),
    ]


def _folder(folder: Path) -> Finding:
    """Whether the folder, or what is there of its path, can be written and has room."""
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free
    room = f"{free / (1 << 30):.1f}"
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        return wrong(
            "store.disk",
            N_("{folder} cannot be written by this user."),
            N_("Give the folder to the bot's user, or set DATA_DIR to another one."),
            folder=folder,
        )
    if free < _LEAST_FREE:
        return wrong(
            "store.disk",
            N_("The disk of {folder} is nearly full: {free} GiB are free."),
            N_("Make room: without it nothing more can be kept."),
            folder=folder,
            free=room,
        )
    return ok("store.disk", N_("{free} GiB are free for {folder}."), folder=folder, free=room)


def _unreadable(folder: Path, error: Exception) -> Finding:
    if str(error) == "interrupted":
        return wrong(
            "store.file",
            N_("No answer came within {seconds:g} s."),
            N_("Look again when less is going on."),
            seconds=SECONDS,
        )
    return wrong(
        "store.file",
        N_("{folder} cannot be read ({error})."),
        N_("Give the folder to the bot's user, or set DATA_DIR to another one."),
        folder=folder,
        error=error.strerror if isinstance(error, OSError) else error,
    )
