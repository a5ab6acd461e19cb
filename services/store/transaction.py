"""What can be changed in the store: each method is one change, made on the writer thread in a group's transaction."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable
from dataclasses import astuple
from functools import cache

from services.rows import LogEntry, Row, Session, Stat, State
from services.store.clock import RevisionClock
from services.store.ledger import UsageTotal
from services.store.tables import SESSIONS, TABLE_OF, TABLES, Table, Value

STATS, LOGS, STATES = TABLE_OF[Stat], TABLE_OF[LogEntry], TABLE_OF[State]
_LEVELS = ("level = 'DEBUG'", "level = 'INFO'", "level = 'WARNING'", "1")
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
    alive = "deleted = 0, tick = 0, " if table is SESSIONS else ""
    columns = ", ".join(f"{name} = ?" for name in (*table.columns, "revision"))
    return f"UPDATE {table.name} SET {alive}{columns}, set_aside = NULL WHERE {table.key} = ?"


# A row that a person's change waits in stays that change's, however far it has moved on since.
_IS_TICK = "tick = (revision = replicated_revision OR tick)"


class Transaction:
    """The open transaction of one group commit."""

    def __init__(self, connection: sqlite3.Connection, clock: RevisionClock) -> None:
        self._connection = connection
        self._cursor = connection.cursor()
        self._clock = clock
        self._counts: Counter[tuple[Table, str]] = Counter()
        self._new: Counter[Table] = Counter()
        self.changed: set[Table] = set()
        """Tables with rows that now wait for replication."""

    def put(self, row: Row) -> None:
        """Keep `row` whole, under a new revision; a new row is one more in the table's books."""
        table = TABLE_OF[type(row)]
        self.changed.add(table)
        values = table.to_sql(row)
        values.append(self._clock.next())
        if self._cursor.execute(_insert(table), values).rowcount:
            self._new[table] += 1
        else:
            self._cursor.execute(_update(table), [*values, getattr(row, table.key)])

    def put_over(self, row: Row) -> None:
        """`put` where the row is there already; else nothing."""
        table = TABLE_OF[type(row)]
        key = getattr(row, table.key)
        if self._connection.execute(f"SELECT 1 FROM {table.name} WHERE {table.key} = ?", (key,)).fetchone():
            self.put(row)

    def put_tick(self, session: Session) -> None:
        """Keep `session`, which has only moved on by time: it may be sent after what people changed."""
        self.changed.add(SESSIONS)
        values: list[Value] = [*SESSIONS.to_sql(session), self._clock.next(), session.guild_id]
        update = _update(SESSIONS).replace("tick = 0", _IS_TICK)
        if not self._connection.execute(update, values).rowcount:
            self.put(session)

    def close_session(self, guild_id: str) -> None:
        """Mark the guild's session deleted; the row goes when the deletion has been replicated.

        A session that this store knows nothing of (from a file that was lost) is deleted remotely all the same.
        """
        self.changed.add(SESSIONS)
        revision = self._clock.next()
        self._counts[SESSIONS, "accepted"] += self._connection.execute(
            "INSERT INTO active_sessions (guild_id, track_title, position_ms, duration_ms, is_playing, updated_at, "
            "speed, application_id, deleted, revision) "
            "VALUES (?, '', 0, 0, 0, '1970-01-01T00:00:00+00:00', 1, '', 1, ?) ON CONFLICT (guild_id) DO NOTHING",
            (guild_id, revision),
        ).rowcount
        self._connection.execute(
            "UPDATE active_sessions SET deleted = 1, is_playing = 0, tick = 0, revision = ?, set_aside = NULL "
            "WHERE guild_id = ? AND deleted = 0",
            (revision, guild_id),
        )

    def restamp_sessions(self, guild_ids: Iterable[str]) -> None:
        """Send these guilds' session rows again, deletions too: what the remote store has of them may not be ours.

        Nobody changed them: they go as ticks do, but for those in which a person's change waits.
        """
        self.changed.add(SESSIONS)
        for guild_id in guild_ids:
            self._connection.execute(
                f"UPDATE active_sessions SET {_IS_TICK}, revision = ?, set_aside = NULL WHERE guild_id = ?",
                (self._clock.next(), guild_id),
            )

    def rise_above(self, revision: int) -> None:
        """Go above a revision seen in the remote store; states that wait under a lower one are written anew, for the
        remote store would drop them without a word."""
        self._clock.lift(revision)
        overtaken = self._connection.execute(
            "SELECT key FROM bot_state WHERE revision <> replicated_revision AND revision <= ?", (revision,)
        ).fetchall()
        for (key,) in overtaken:
            self.changed.add(STATES)
            self._connection.execute("UPDATE bot_state SET revision = ? WHERE key = ?", (self._clock.next(), key))

    def restore_states(self, rows: Iterable[tuple[str, dict[str, object], int]]) -> None:
        """Take (key, value, revision) from the remote store, but over nothing that waits here or is newer."""
        for key, value, revision in rows:
            self._clock.lift(revision)
            values = [*STATES.to_sql(State(key, value)), revision, revision]
            self._counts[STATES, "accepted"] += self._connection.execute(
                "INSERT INTO bot_state (key, value, revision, replicated_revision) VALUES (?, ?, ?, ?) "
                "ON CONFLICT DO NOTHING",
                values,
            ).rowcount
            self._connection.execute(
                "UPDATE bot_state SET value = ?2, revision = ?3, replicated_revision = ?4 "
                "WHERE key = ?1 AND revision = replicated_revision AND revision < ?3",
                values,
            )

    def replace_usage_totals(self, month: str, totals: Iterable[UsageTotal]) -> None:
        """What `month` (such as `2026-11`) has cost by calls that have no row here; earlier totals go."""
        self._connection.execute("DELETE FROM usage_totals")
        self._connection.executemany(
            "INSERT INTO usage_totals VALUES (?, ?, ?, ?, ?, ?)",
            [(month, total.guild_id, total.model, *astuple(total.spent)) for total in totals],
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

    def retry_set_aside(self) -> int:
        """Have every row that was set aside sent again, whatever becomes of it; how many there are."""
        rows = 0
        for table in TABLES:
            found = self._connection.execute(
                f"UPDATE {table.name} SET set_aside = NULL WHERE set_aside IS NOT NULL"
            ).rowcount
            if found:
                self.changed.add(table)
            rows += found
        return rows

    def age_out(self, table: Table, over: str, before: str, limit: int) -> int:
        """Delete up to `limit` delivered rows from before the ISO time `before` that are `over` (an SQL condition);
        the books keep their number. How many went."""
        rows = self._delete(table, f"revision = replicated_revision AND created_at < ? AND {over}", limit, before)
        self._counts[table, "aged_out"] += rows
        return rows

    def make_room(self, limit: int) -> int:
        """Delete up to `limit` rows of the least worth: delivered ones first, which loses nothing; then, as counted
        drops, statistics and then logs from the lowest level. How many went."""
        for table in (STATS, LOGS):
            if rows := self._delete(table, "revision = replicated_revision", limit):
                self._counts[table, "aged_out"] += rows
                return rows
        for table, which in ((STATS, "1"), *((LOGS, level) for level in _LEVELS)):
            if rows := self._delete(table, which, limit):
                self._note_drop(table, "disk_bound", rows)
                return rows
        return 0

    def shrink(self, pages: int) -> None:
        """Give up to `pages` free pages of the file back to the disk."""
        for _ in range(pages):
            # One by one: the sqlite3 module stops at the statement's first step, which frees one page.
            self._connection.execute("PRAGMA incremental_vacuum(1)")

    def lift_clock(self, revision: int) -> None:
        """Go above a revision seen in the remote store."""
        self._clock.lift(revision)

    def count_drop(self, table: Table, reason: str, rows: int) -> None:
        """`rows` rows could not be kept, for `reason`."""
        self._counts[table, "accepted"] += rows
        self._note_drop(table, reason, rows)

    def _note_drop(self, table: Table, reason: str, rows: int) -> None:
        self._connection.execute(
            "INSERT INTO drops VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET rows = rows + excluded.rows",
            (table.name, reason, rows),
        )

    def _delete(self, table: Table, which: str, limit: int, *values: Value) -> int:
        # Rows are numbered as they come: the oldest first, without sorting the whole table.
        return self._connection.execute(
            f"DELETE FROM {table.name} WHERE rowid IN "
            f"(SELECT rowid FROM {table.name} WHERE {which} ORDER BY rowid LIMIT ?)",
            (*values, limit),
        ).rowcount

    def forget_fact(self, name: str) -> None:
        """Remember it no longer."""
        self._connection.execute("DELETE FROM local_facts WHERE name = ?", (name,))

    def keep_fact(self, name: str, value: str) -> None:
        """Remember a small local fact, such as the hash of the commands last registered."""
        self._connection.execute(
            "INSERT INTO local_facts VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
            (name, value),
        )

    def finish(self) -> None:
        """Write the books and the clock; the last thing before the commit."""
        self._counts.update({(table, "accepted"): rows for table, rows in self._new.items()})
        for (table, column), rows in self._counts.items():
            self._connection.execute(_COUNT[column], (table.name, rows))
        self._connection.execute("UPDATE clock SET revision = ?", (self._clock.last,))
