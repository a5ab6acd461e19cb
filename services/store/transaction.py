"""What can be changed in the store: each method is one change, made on the writer thread in a group's transaction."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable
from functools import cache

from services.rows import Row
from services.store.clock import RevisionClock
from services.store.tables import SESSIONS, TABLE_OF, Table, Value

_COUNT = {
    "accepted": "INSERT INTO books (table_name, accepted) VALUES (?, ?) "
    "ON CONFLICT DO UPDATE SET accepted = accepted + excluded.accepted",
    "aged_out": "INSERT INTO books (table_name, accepted, aged_out) VALUES (?, 0, ?) "
    "ON CONFLICT DO UPDATE SET aged_out = aged_out + excluded.aged_out",
}


@cache
def _insert(table: Table) -> str:
    columns = (*table.columns, "revision")
    places = ", ".join("?" * len(columns))
    return f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({places}) ON CONFLICT ({table.key}) DO NOTHING"


@cache
def _update(table: Table) -> str:
    alive = "deleted = 0, " if table is SESSIONS else ""
    columns = ", ".join(f"{name} = ?" for name in (*table.columns, "revision"))
    return f"UPDATE {table.name} SET {alive}{columns}, set_aside = NULL WHERE {table.key} = ?"


class Transaction:
    """The open transaction of one group commit."""

    def __init__(self, connection: sqlite3.Connection, clock: RevisionClock) -> None:
        self._connection = connection
        self._clock = clock
        self._counts: Counter[tuple[Table, str]] = Counter()
        self.changed: set[Table] = set()
        """Tables with rows that now wait for replication."""

    def put(self, row: Row) -> None:
        """Keep `row` whole, under a new revision; a new row is one more in the table's books."""
        table = TABLE_OF[type(row)]
        self.changed.add(table)
        values: list[Value] = [*table.to_sql(row), self._clock.next()]
        if self._connection.execute(_insert(table), values).rowcount:
            self._counts[table, "accepted"] += 1
        else:
            self._connection.execute(_update(table), [*values, getattr(row, table.key)])

    def close_session(self, guild_id: str) -> None:
        """Mark the guild's session deleted; the row goes when the deletion has been replicated."""
        self.changed.add(SESSIONS)
        self._connection.execute(
            "UPDATE active_sessions SET deleted = 1, is_playing = 0, revision = ?, set_aside = NULL "
            "WHERE guild_id = ? AND deleted = 0",
            (self._clock.next(), guild_id),
        )

    def bury_session(self, guild_id: str, application_id: str) -> None:
        """Have a row deleted remotely that this store knows nothing of: an earlier run's, from a disk that is gone."""
        self.changed.add(SESSIONS)
        fresh = self._connection.execute(
            "INSERT INTO active_sessions (guild_id, track_title, position_ms, duration_ms, is_playing, updated_at, "
            "speed, application_id, deleted, revision) "
            "VALUES (?, '', 0, 0, 0, '1970-01-01T00:00:00+00:00', 1, ?, 1, ?) ON CONFLICT (guild_id) DO NOTHING",
            (guild_id, application_id, self._clock.next()),
        ).rowcount
        self._counts[SESSIONS, "accepted"] += fresh
        if not fresh:
            self.close_session(guild_id)

    def restamp_sessions(self, guild_ids: Iterable[str]) -> None:
        """Send these guilds' session rows again, deletions too: a higher revision of theirs was seen elsewhere."""
        self.changed.add(SESSIONS)
        for guild_id in guild_ids:
            self._connection.execute(
                "UPDATE active_sessions SET revision = ?, set_aside = NULL WHERE guild_id = ?",
                (self._clock.next(), guild_id),
            )

    def acknowledge(self, table: Table, sent: Iterable[tuple[str, int]]) -> None:
        """These (key, revision) are in the remote table; a row changed since then keeps waiting."""
        self._connection.executemany(
            f"UPDATE {table.name} SET replicated_revision = ? WHERE {table.key} = ?",
            [(revision, key) for key, revision in sent],
        )
        if table is SESSIONS:
            gone = self._connection.execute(
                "DELETE FROM active_sessions WHERE deleted = 1 AND revision = replicated_revision"
            ).rowcount
            self._counts[table, "aged_out"] += gone

    def set_aside(self, table: Table, key: str, revision: int, cause: str) -> None:
        """The remote store refuses this very row, `cause` says why; only a newer revision of it is tried again."""
        self._connection.execute(
            f"UPDATE {table.name} SET set_aside = ? WHERE {table.key} = ? AND revision = ?",
            (cause, key, revision),
        )

    def lift_clock(self, revision: int) -> None:
        """Go above a revision seen in the remote store."""
        self._clock.lift(revision)

    def count_drop(self, table: Table, reason: str, rows: int) -> None:
        """`rows` rows could not be kept, for `reason`."""
        self._counts[table, "accepted"] += rows
        self._connection.execute(
            "INSERT INTO drops VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET rows = rows + excluded.rows",
            (table.name, reason, rows),
        )

    def keep_fact(self, name: str, value: str) -> None:
        """Remember a small local fact, such as the hash of the commands last registered."""
        self._connection.execute(
            "INSERT INTO local_facts VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
            (name, value),
        )

    def finish(self) -> None:
        """Write the books and the clock; the last thing before the commit."""
        for (table, column), rows in self._counts.items():
            self._connection.execute(_COUNT[column], (table.name, rows))
        self._connection.execute("UPDATE clock SET revision = ?", (self._clock.last,))
