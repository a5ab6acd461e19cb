"""A store's file that is overwritten while the bot runs."""

from __future__ import annotations

import sqlite3
from pathlib import Path


def damage(path: Path) -> None:
    """Overwrite the file under the bot; a commit of another connection's makes it look at the file again."""
    other = sqlite3.connect(path, timeout=10)
    other.execute("INSERT OR REPLACE INTO local_facts VALUES ('x', 'y')")
    other.commit()
    other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    other.close()
    path.write_bytes(b"no database any more " * (path.stat().st_size // 20))
