"""The bot's local store, read as anyone may: read-only, beside the running bot."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote


def tables(path: Path) -> list[str]:
    """The tables of the store, [] while there is none."""
    if not path.exists():
        return []
    with closing(_open(path)) as connection:
        query = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
        return [name for (name,) in connection.execute(query)]


def rows(path: Path, table: str) -> list[dict[str, object]]:
    """All rows of a table but those marked as deleted, oldest first. Raises ValueError, naming the tables."""
    if table not in (known := tables(path)):
        raise ValueError(f"there is no table {table} (there is: {', '.join(known) or 'none yet'})")
    with closing(_open(path)) as connection:
        connection.row_factory = sqlite3.Row
        found = [dict(row) for row in connection.execute(f'SELECT * FROM "{table}" ORDER BY rowid')]
    return [row for row in found if not row.get("deleted")]


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro", uri=True, timeout=2)
