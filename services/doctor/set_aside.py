"""Rows that Supabase refused one by one: which they are, and the mark that has them sent again."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

from uuid_utils import uuid7

from services.doctor.check import Finding, ok, wrong
from services.i18n import N_
from services.store.schema import VERSIONS
from services.store.tables import TABLES

NAME = "store.set_aside"
_LISTED = 20
_BUSY_SECONDS = 4.0
_CURE = N_("Cure what it names, then run: python bot.py doctor --retry-set-aside")


def set_aside_findings(connection: sqlite3.Connection, *, retrying: bool) -> list[Finding]:
    """One line a row, the newest first, and one for all beyond the first few."""
    rows: list[tuple[str, str, str, int]] = []
    for table in TABLES:
        rows += [
            (table.name, *found)
            for found in connection.execute(
                f"SELECT {table.key}, set_aside, revision FROM {table.name} WHERE set_aside IS NOT NULL "
                "ORDER BY revision DESC LIMIT ?",
                (_LISTED + 1,),
            )
        ]
    if not rows:
        return [ok(NAME, N_("Supabase has refused no row."))]
    rows.sort(key=lambda row: row[3], reverse=True)
    found = [_finding(f"{table} {key}", cause, retrying) for table, key, cause, _ in rows[:_LISTED]]
    if len(rows) > _LISTED:
        found.append(_finding("…", N_("There are more of them."), retrying))
    return found


def _finding(subject: str, cause: str, retrying: bool) -> Finding:
    if retrying:
        return ok(NAME, N_("It is to be sent again; Supabase had refused it: {cause}"), subject, cause=cause)
    return wrong(NAME, N_("Supabase refuses it: {cause}."), _CURE, subject, cause=cause)


async def mark_for_retry(folder: Path) -> list[Finding]:
    """Leave the mark; one short transaction beside those of a running bot."""
    return await asyncio.to_thread(_mark, folder / "bot.db")


def _mark(path: Path) -> list[Finding]:
    # Imported here because it brings Supabase's client along, a third of a second.
    from services.replication.retry import RETRY_FACT  # noqa: PLC0415

    if not path.exists():
        return [ok("store.retry", N_("There is no local store yet, so there is nothing to send again."))]
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=_BUSY_SECONDS
        )
        try:
            if connection.execute("PRAGMA user_version").fetchone()[0] > len(VERSIONS):
                return []  # a newer release's file is not ours to write; another line tells so
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(
                "INSERT INTO local_facts (name, value) VALUES (?, ?) "
                "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (RETRY_FACT, str(uuid7())),
            )
            connection.execute("COMMIT")
        finally:
            connection.close()
    except sqlite3.Error as error:
        return [
            wrong(
                "store.retry",
                N_("The local store cannot be written ({error})."),
                N_("Run this as the bot's own user, or wait until the disk has room."),
                error=error,
            )
        ]
    return [
        ok(
            "store.retry",
            N_("Rows that were refused are sent again: within 5 s where the bot runs, else when it starts."),
        )
    ]
