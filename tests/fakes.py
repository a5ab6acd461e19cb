"""Fakes with state, where a test needs no store."""

from __future__ import annotations

from services.rows import Row, Session
from services.store.tables import TABLE_OF


class MemoryRecorder:
    """`Records` in memory: `rows` by key, `sessions` by guild, and everything that was ever recorded in `history`."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.sessions: dict[str, Session] = {}
        self.history: list[Row | str] = []
        self.fault: Exception | None = None
        """Raised by `commit` while set."""

    def record(self, row: Row) -> None:
        self.history.append(row)
        if isinstance(row, Session):
            self.sessions[row.guild_id] = row
        else:
            self.rows[getattr(row, TABLE_OF[type(row)].key)] = row

    async def commit(self, row: Row, withdrawn: Row) -> None:
        if self.fault is not None:
            raise self.fault
        self.record(row)

    def record_tick(self, session: Session) -> None:
        self.record(session)

    def close_session(self, guild_id: str) -> None:
        self.history.append(guild_id)
        self.sessions.pop(guild_id, None)
