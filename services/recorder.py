"""The one door to the local store: facts are handed over at once and committed by the writer thread."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime
from operator import methodcaller
from typing import Any, Protocol, TypeVar

from services.rows import LogEntry, Row, Session
from services.store import Store
from services.store.clock import LIMIT
from services.store.tables import TABLE_OF

TEXT_CHARACTERS = 2_000
"""A title or name longer than this is cut: a row has to stay far below the 32 KiB that a batch allows it."""
LOG_CHARACTERS = 8_000
AnyRow = TypeVar("AnyRow", bound=Row)


class Records(Protocol):
    """What the other services need of a recorder."""

    def record(self, row: Row) -> None:
        """Hand over `row`: a new one, or the whole row again after a change. Never waits, never raises."""
        ...

    async def commit(self, row: AnyRow, withdrawn: AnyRow) -> None:
        """Hand over `row` and return once it is on the disk.

        Raises:
            StoreUnavailable: it cannot be committed now; should a disk that hangs take it later all the same, it
                becomes `withdrawn`.
        """
        ...

    def record_tick(self, session: Session) -> None:
        """`record` for a session in which nothing changed but the time: it may reach Supabase a little later."""
        ...

    def close_session(self, guild_id: str) -> None:
        """The guild's session has ended: its row goes, here and remotely."""
        ...


class Recorder:
    """`Records` over the local store; a hand-over takes microseconds."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def record(self, row: Row) -> None:
        """See `Records.record`; safe from any thread."""
        kept = storable(row)
        # A lambda would be three objects more for the garbage collector to look through while they wait.
        self._store.hand_over(methodcaller("put", kept), TABLE_OF[type(row)])

    async def commit(self, row: AnyRow, withdrawn: AnyRow | None = None) -> None:
        """See `Records.commit`; without `withdrawn` a disk that hangs is waited for."""
        kept = storable(row)
        undone = storable(withdrawn) if withdrawn is not None else None
        await self._store.commit(
            lambda transaction: transaction.put(kept),
            TABLE_OF[type(row)],
            None if undone is None else lambda transaction: transaction.put_over(undone),
        )

    def record_tick(self, session: Session) -> None:
        """See `Records.record_tick`. While the store cannot be written it is left out: the next one says it all, and
        those of hours would take the room in memory from what people do."""
        if self._store.fault is not None:
            return
        kept = storable(session)
        self._store.hand_over(lambda transaction: transaction.put_tick(kept), TABLE_OF[Session])

    def close_session(self, guild_id: str) -> None:
        """See `Records.close_session`."""
        # Under no table's name, so that it is never dropped: nobody would take the row away later.
        self._store.hand_over(lambda transaction: transaction.close_session(guild_id))


def storable(row: AnyRow) -> AnyRow:
    """`row` as both stores can hold it: no lone surrogate, NUL, NaN or infinity, text and integers within bounds."""
    limit = LOG_CHARACTERS if isinstance(row, LogEntry) else TEXT_CHARACTERS
    table = TABLE_OF[type(row)]
    # Nearly every row is returned as it is; a hand-over is to take microseconds.
    for value in table.values(row):
        kind = type(value)  # pyright: ignore[reportUnknownVariableType] - whatever a row holds
        if kind is str:
            if len(value) <= limit and value.isprintable():
                continue
        elif kind is int:
            if -LIMIT <= value <= LIMIT:
                continue
        elif value is None or kind is datetime or kind is bool:
            continue
        kept = {name: _storable(getattr(row, name), limit) for name in table.columns}
        return replace(row, **kept)
    return row


def _storable(value: Any, limit: int) -> Any:
    if isinstance(value, str):
        return _text(value, limit)
    if isinstance(value, float):
        return value if math.isfinite(value) else 0.0
    if isinstance(value, int):
        return value if -LIMIT <= value <= LIMIT else (LIMIT if value > 0 else -LIMIT)
    if isinstance(value, dict):
        return {_text(str(key), limit): _storable(item, limit) for key, item in value.items()}  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] - any JSON document
    if isinstance(value, list):
        return [_storable(item, limit) for item in value]  # pyright: ignore[reportUnknownVariableType] - any JSON document
    return value


def _text(text: str, limit: int) -> str:
    if len(text) <= limit and text.isprintable():
        return text  # lone surrogates and NUL are not printable: the common case ends here
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "\ufffd")
    return whole if len(whole) <= limit else whole[: limit - 1] + "…"
