"""The store's file: its schema by `PRAGMA user_version`, a copy before each change, and files that cannot be used."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from services.errors import Unstartable
from services.i18n import N_

log = logging.getLogger("bot.store")

WAL_BYTES = 16 * 2**20
"""The WAL is cut back to this after something large went through it."""
_KEPT = "revision INTEGER NOT NULL, replicated_revision INTEGER NOT NULL DEFAULT 0, set_aside TEXT"

# Each entry takes the file from the version of its index to the next.
VERSIONS = (
    f"""
    CREATE TABLE music_history (event_id TEXT PRIMARY KEY, created_at TEXT NOT NULL, guild_id TEXT NOT NULL,
        track_title TEXT, track_url TEXT, duration_ms INTEGER NOT NULL, requested_by TEXT,
        ended_at TEXT, end_reason TEXT, played_ms INTEGER, {_KEPT});
    CREATE INDEX music_history_open ON music_history (created_at) WHERE ended_at IS NULL;
    CREATE TABLE gemini_usage (event_id TEXT PRIMARY KEY, created_at TEXT NOT NULL, guild_id TEXT, user_id TEXT,
        prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL, total_tokens INTEGER NOT NULL,
        model TEXT NOT NULL, status TEXT NOT NULL, estimated INTEGER NOT NULL, {_KEPT});
    CREATE INDEX gemini_usage_open ON gemini_usage (created_at) WHERE status = 'open';
    CREATE TABLE active_sessions (guild_id TEXT PRIMARY KEY, track_title TEXT, position_ms INTEGER NOT NULL,
        duration_ms INTEGER NOT NULL, is_playing INTEGER NOT NULL, updated_at TEXT NOT NULL, speed REAL NOT NULL,
        application_id TEXT NOT NULL, deleted INTEGER NOT NULL DEFAULT 0, {_KEPT});
    CREATE TABLE bot_state (key TEXT PRIMARY KEY, value TEXT NOT NULL, {_KEPT});
    CREATE TABLE bot_logs (event_id TEXT PRIMARY KEY, created_at TEXT NOT NULL, level TEXT NOT NULL,
        message TEXT NOT NULL, {_KEPT});
    CREATE TABLE system_stats (event_id TEXT PRIMARY KEY, created_at TEXT NOT NULL, cpu_usage REAL NOT NULL,
        ram_rss REAL NOT NULL, ram_heap REAL NOT NULL, ping_gateway INTEGER, ping_lavalink INTEGER, {_KEPT});
    """
    + "".join(
        f"CREATE INDEX {table}_waiting ON {table} (revision) "
        "WHERE revision <> replicated_revision AND set_aside IS NULL;"
        for table in (
            "music_history",
            "gemini_usage",
            "active_sessions",
            "bot_state",
            "bot_logs",
            "system_stats",
        )
    )
    + """
    CREATE TABLE clock (revision INTEGER NOT NULL);
    INSERT INTO clock VALUES (0);
    CREATE TABLE books (table_name TEXT PRIMARY KEY, accepted INTEGER NOT NULL, aged_out INTEGER NOT NULL DEFAULT 0);
    CREATE TABLE drops (table_name TEXT NOT NULL, reason TEXT NOT NULL, rows INTEGER NOT NULL,
        PRIMARY KEY (table_name, reason));
    CREATE TABLE local_facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
    """,
    # Whether what waits in a session's row is only the time that has passed.
    "ALTER TABLE active_sessions ADD COLUMN tick INTEGER NOT NULL DEFAULT 0;",
    # What calls without a row here have cost: those of an earlier disk.
    """
    CREATE TABLE usage_totals (month TEXT NOT NULL, guild_id TEXT, model TEXT NOT NULL,
        prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL, total_tokens INTEGER NOT NULL);
    CREATE INDEX gemini_usage_guild ON gemini_usage (guild_id, created_at);
    """,
    # Looked up once a start, which reads the whole file anyway, and paid for with every row.
    "DROP INDEX music_history_open; DROP INDEX gemini_usage_open;",
)


class StoreTooNew(Unstartable):
    """The file was written by a newer release; the message says how to go back."""


def open_store(path: Path) -> sqlite3.Connection:
    """The writer's connection, its schema brought up to date. A damaged file is set aside and a new one begun.

    Raises:
        StoreTooNew: a newer release wrote the file.
        OSError, sqlite3.OperationalError: the folder or the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _open(path)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as error:
        aside = set_damaged_aside(path)
        log.critical(
            "The local store is damaged (%s); it was set aside as %s and a new one is begun",
            error,
            aside.name,
        )
        return _open(path)


def set_damaged_aside(path: Path) -> Path:
    """Rename the store's files so that a new store can begin in their place; returns the new path."""
    aside = path.with_name(f"{path.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
    for suffix in ("-wal", "-shm", ""):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    return aside


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
    try:
        # So that a file shrinks when rows go; a file that has tables already takes it up by a VACUUM only.
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA journal_size_limit = {WAL_BYTES}")
        connection.execute("PRAGMA synchronous = FULL")
        if (verdict := connection.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
            raise sqlite3.DatabaseError(verdict)
        _bring_up_to_date(connection, path)
        if connection.execute("PRAGMA auto_vacuum").fetchone()[0] == 0:
            with suppress(sqlite3.OperationalError):  # a disk with no room for it: the file works, it only stays large
                connection.execute("VACUUM")
    except BaseException:
        connection.close()
        raise
    return connection


def _bring_up_to_date(connection: sqlite3.Connection, path: Path) -> None:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(VERSIONS):
        raise StoreTooNew(
            N_(
                "{path} was written by a newer release (schema {found}, this one knows {known}). Run that release, or "
                "stop the bot and put {path}.bak-{known} in its place; what was recorded since that copy stays in the "
                "newer file."
            ),
            path=path,
            found=version,
            known=len(VERSIONS),
        )
    for target, statements in enumerate(VERSIONS[version:], start=version + 1):
        if version:
            _copy(connection, path.with_name(f"{path.name}.bak-{target - 1}"))
        connection.executescript(f"BEGIN IMMEDIATE; {statements} PRAGMA user_version = {target}; COMMIT;")


def _copy(connection: sqlite3.Connection, path: Path) -> None:
    copy = sqlite3.connect(path)
    try:
        connection.backup(copy)
    finally:
        copy.close()
