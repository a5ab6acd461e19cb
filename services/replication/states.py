"""The lane of `bot_state`: what a clock that is ahead, or a hand, has written is gone above."""

from __future__ import annotations

import time

from services.replication.lane import KeyedLane, Waiting
from services.store.clock import NO_CLOCKS

KEYS_AT_ONCE = 50
"""So many fit in an address."""


class StateLane(KeyedLane):
    """Reads back what it has sent: the database drops what is older without a word."""

    async def send(self, batch: list[Waiting]) -> None:
        """See `Lane.send`. A state that lost to a revision of the future is sent again above it; one that lost to a
        newer version has lost."""
        await self._remote.upsert(self.table.name, [row.item for row in batch], self.table.key)
        overtaken = await self._overtaken(batch)
        await self.acknowledge([row for row in batch if row.key not in overtaken])
        for key, revision in overtaken.items():
            if revision >= NO_CLOCKS:
                await self._remote.remove_without_clock(self.table.name, self.table.key, key)
        highest = max((revision for revision in overtaken.values() if revision < NO_CLOCKS), default=0)
        if highest:
            await self._store.commit(lambda transaction: transaction.rise_above(highest))

    async def _overtaken(self, batch: list[Waiting]) -> dict[str, int]:
        now = time.time_ns() // 1000
        found: dict[str, int] = {}
        for begin in range(0, len(batch), KEYS_AT_ONCE):
            rows = batch[begin : begin + KEYS_AT_ONCE]
            known = await self._remote.revisions_of(self.table.name, self.table.key, [row.key for row in rows])
            found |= {row.key: known[row.key] for row in rows if known.get(row.key, 0) > max(row.revision, now)}
        return found
