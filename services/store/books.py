"""The books: what was accepted is replicated, waiting, set aside or a counted drop, table by table."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from services.store.tables import TABLES


@dataclass(frozen=True, slots=True)
class Books:
    """Rows of one table; `accepted` is counted apart from the others, so that a loss shows as a difference."""

    accepted: int
    replicated: int
    """At their newest revision, those included that have aged out since."""
    waiting: int
    set_aside: int
    dropped: dict[str, int]
    """By reason."""

    @property
    def balanced(self) -> bool:
        """Whether every accepted row is somewhere."""
        return self.accepted == self.replicated + self.waiting + self.set_aside + sum(self.dropped.values())


def read_books(connection: sqlite3.Connection) -> dict[str, Books]:
    """The books of every replicated table, by its name, at one moment. For `Store.read`."""
    connection.execute("BEGIN")
    try:
        return {table.name: _books_of(connection, table.name) for table in TABLES}
    finally:
        connection.execute("COMMIT")


def _books_of(connection: sqlite3.Connection, name: str) -> Books:
    rows, waiting, set_aside = connection.execute(
        f"SELECT count(*), count(*) FILTER (WHERE revision <> replicated_revision AND set_aside IS NULL), "
        f"count(set_aside) FROM {name}"
    ).fetchone()
    kept = connection.execute("SELECT accepted, aged_out FROM books WHERE table_name = ?", (name,)).fetchone()
    accepted, aged_out = kept or (0, 0)
    dropped = dict(connection.execute("SELECT reason, rows FROM drops WHERE table_name = ?", (name,)).fetchall())
    return Books(accepted, rows - waiting - set_aside + aged_out, waiting, set_aside, dropped)
