"""The replicated tables, derived from the row types: which columns a row has, and how a value is written."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cached_property
from operator import attrgetter
from typing import Any, get_args, get_type_hints

from services.rows import LogEntry, Play, Row, Session, Stat, State, Usage

Value = str | int | float | None


@dataclass(frozen=True, eq=False)  # each is one of a kind: told apart by identity, which is quick
class Table:
    """A local table and the remote one of the same name."""

    name: str
    row_type: type[Row]
    key: str = "event_id"

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The row's own columns, in the row type's order; `revision` stands beside them in both stores."""
        return tuple(field.name for field in fields(self.row_type))

    @cached_property
    def _booleans(self) -> frozenset[str]:
        return frozenset(name for name, hint in get_type_hints(self.row_type).items() if hint is bool)

    @cached_property
    def _documents(self) -> frozenset[str]:
        return frozenset(name for name, hint in get_type_hints(self.row_type).items() if hint == dict[str, object])

    @cached_property
    def _times(self) -> tuple[int, ...]:
        hints = get_type_hints(self.row_type)
        return tuple(
            place for place, name in enumerate(self.columns) if datetime in (hints[name], *get_args(hints[name]))
        )

    @cached_property
    def _documents_at(self) -> tuple[int, ...]:
        return tuple(place for place, name in enumerate(self.columns) if name in self._documents)

    @cached_property
    def values(self) -> Callable[[Row], tuple[Any, ...]]:
        """Gives a row's values in the order of `columns`."""
        return attrgetter(*self.columns)

    def to_sql(self, row: Row) -> list[Value]:
        """The row's values for SQLite, in the order of `columns`: times as ISO 8601 text, documents as JSON text."""
        values: list[Any] = list(self.values(row))
        for place in self._times:
            if (time := values[place]) is not None:
                values[place] = time.isoformat("T", "microseconds")
        for place in self._documents_at:
            values[place] = json.dumps(values[place], ensure_ascii=False, separators=(",", ":"))
        return values

    def from_sql(self, record: Any) -> Any:
        """The row of a stored record (an `sqlite3.Row` or a mapping)."""
        values = {name: record[name] for name in self.columns}
        for name in map(self.columns.__getitem__, self._times):
            if (time := values[name]) is not None:
                values[name] = datetime.fromisoformat(time)
        values |= {name: bool(values[name]) for name in self._booleans}
        values |= {name: json.loads(values[name]) for name in self._documents}
        return self.row_type(**values)

    def to_json(self, record: dict[str, Any]) -> dict[str, Any]:
        """A stored record's columns and revision as PostgREST takes them."""
        item = {name: record[name] for name in (*self.columns, "revision")}
        for name in self._booleans:
            item[name] = bool(item[name])
        for name in self._documents:
            item[name] = json.loads(item[name])
        return item


SESSIONS = Table("active_sessions", Session, key="guild_id")
TABLES = (
    Table("music_history", Play),
    Table("gemini_usage", Usage),
    SESSIONS,
    Table("bot_state", State, key="key"),
    Table("bot_logs", LogEntry),
    Table("system_stats", Stat),
)
TABLE_OF: dict[type[Row], Table] = {table.row_type: table for table in TABLES}
