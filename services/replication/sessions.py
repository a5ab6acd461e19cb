"""The lane of `active_sessions`: rows come and go, and two processes may have written the same guild."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from services.replication.lane import Lane, Waiting
from services.replication.remote import Item, Remote
from services.store import Store
from services.store.tables import SESSIONS


class SessionLane(Lane):
    """Sends through `apply_sessions`, and goes above a revision that another store has written."""

    def __init__(self, store: Store, remote: Remote) -> None:
        super().__init__(SESSIONS, store, remote)
        self.owns: Callable[[str], bool] = lambda _: False
        """Whether a guild is this process's, by Discord's shard formula; known once the bot is ready."""

    def item(self, record: dict[str, Any]) -> Item:
        """The row and whether it goes."""
        return {**super().item(record), "deleted": bool(record["deleted"])}

    async def send(self, batch: list[Waiting]) -> None:
        """See `Lane.send`. A guild of ours that was written with a higher revision elsewhere is sent again above it."""
        answers = {
            answer.guild_id: answer.revision
            for answer in await self._remote.apply_sessions([row.item for row in batch])
        }
        overtaken = {row.key: answers[row.key] for row in batch if answers.get(row.key, 0) > row.revision}
        if overtaken:
            highest = max(overtaken.values())
            ours = [guild_id for guild_id in overtaken if self.owns(guild_id)]

            def rise(transaction: Any) -> None:
                transaction.lift_clock(highest)
                transaction.restamp_sessions(ours)

            await self._store.commit(rise)
        # The revision that was sent is acknowledged even where it lost: what is ours waits again under a new one.
        await self.acknowledge(batch)
