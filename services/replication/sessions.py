"""The lane of `active_sessions`: rows come and go, two processes may have written the same guild, and time passes."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from services.replication import lane
from services.replication.exchange import Item
from services.replication.lane import Lane, Waiting
from services.replication.remote import Remote
from services.store import Store
from services.store.clock import NO_CLOCKS
from services.store.tables import SESSIONS

SLICE_ROWS = 20
SLICE_SECONDS = 1.0
"""So many rows in which only time has passed go in so long: each is a message to every listener of Realtime."""


class SessionLane(Lane):
    """Sends through `apply_sessions`, and goes above a revision that another store has written."""

    def __init__(self, store: Store, remote: Remote) -> None:
        super().__init__(SESSIONS, store, remote)
        self.owns: Callable[[str], bool] = lambda _: False
        """Whether a guild is this process's, by Discord's shard formula; known once the bot is ready."""
        self._next_slice = 0.0
        self._ticks_wait = False

    def item(self, record: dict[str, Any]) -> Item:
        """The row, by the database's clock, and whether it goes."""
        updated_at = datetime.fromisoformat(record["updated_at"]) + timedelta(seconds=self._remote.clock.seconds)
        return {
            **super().item(record),
            "updated_at": updated_at.isoformat(timespec="microseconds"),
            "deleted": bool(record["deleted"]),
        }

    def waiting(self, connection: sqlite3.Connection, limit: int) -> list[sqlite3.Row]:
        """What people changed, all of it; of what has only moved on by time a slice, the longest unsent first."""
        rows = connection.execute(f"{self.select} AND NOT tick ORDER BY revision LIMIT ?", (limit,)).fetchall()
        ticks = connection.execute(
            f"{self.select} AND tick ORDER BY replicated_revision LIMIT ?", (min(SLICE_ROWS, limit) + 1,)
        ).fetchall()
        room = min(SLICE_ROWS, limit - len(rows)) if time.monotonic() >= self._next_slice else 0
        self._ticks_wait = len(ticks) > room
        if ticks and room:
            self._next_slice = time.monotonic() + SLICE_SECONDS
        return rows + ticks[:room]

    @property
    def is_empty(self) -> bool:
        """See `Lane.is_empty`: ticks may wait for their slice."""
        return not self._ticks_wait

    async def send_next(self) -> bool:
        """See `Lane.send_next`; what is left for the next slice is taken up in time."""
        sent = await super().send_next()
        if not sent and self._ticks_wait:
            pause = self._next_slice - time.monotonic() - lane.GATHER_SECONDS
            asyncio.get_running_loop().call_later(max(0.0, pause), self.wake)
        return sent

    async def send(self, batch: list[Waiting]) -> None:
        """See `Lane.send`. A guild of ours that was written with a higher revision elsewhere is sent again above it."""
        answers = await self._remote.apply_sessions([row.item for row in batch])
        overtaken = {row.key: answers[row.key] for row in batch if answers[row.key] > row.revision}
        if overtaken:
            await self._overtake(overtaken)
        # The revision that was sent is acknowledged even where it lost: what is ours waits again under a new one.
        await self.acknowledge(batch)

    async def _overtake(self, overtaken: dict[str, int]) -> None:
        ours = [guild_id for guild_id in overtaken if self.owns(guild_id)]
        for guild_id in ours:
            if overtaken[guild_id] >= NO_CLOCKS:
                # There is no going above it, and nobody who keeps to the rules has written it.
                await self._remote.forget_revision(guild_id)

        def rise(transaction: Any) -> None:
            transaction.lift_clock(max((known for known in overtaken.values() if known < NO_CLOCKS), default=0))
            transaction.restamp_sessions(ours)

        await self._store.commit(rise)
