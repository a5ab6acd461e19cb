"""What an earlier disk held comes back to a store that began empty: `bot_state` and what this month has cost."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Any, Protocol, TypeVar

from services.replication.answers import StateRow
from services.replication.exchange import Item
from services.replication.remote import Remote
from services.store import Store
from services.store.ledger import Month, Spent, UsageTotal
from services.store.transaction import Transaction
from services.store.writer import Change

log = logging.getLogger("bot.replication")

Answer = TypeVar("Answer")
RESTORED_FACT = "restored"
"""The name in `local_facts`; its value is when it was done."""
LOOK_SECONDS = 3.0
"""A store that had to be begun anew while the bot runs is noticed within this."""


class Insist(Protocol):
    """Asks until there is an answer, waiting longer from time to time; what hinders it is shown meanwhile."""

    def __call__(self, name: str, ask: Callable[[], Awaitable[Answer]], /) -> Awaitable[Answer]:
        """The answer to `ask`, which may raise a `RemoteFault`; `name` is what it is for."""
        ...


class Restoration:
    """Reads back in the background, page by page, once a store; a row that the store has is never overwritten by an
    older one, nor counted twice."""

    def __init__(self, store: Store, remote: Remote, insist: Insist, now: Callable[[], datetime]) -> None:
        self._store = store
        self._remote = remote
        self._insist = insist
        self._now = now
        self._whole = 0

    @property
    def catching_up(self) -> bool:
        """Whether something that was kept before this store began may still be missing."""
        return self._whole != self._store.files_begun

    async def run(self) -> None:
        """Until cancelled: a damaged file may be replaced by an empty one at any time."""
        async for file in each_file(self._store):
            await self._restore(file)

    async def _restore(self, file: int) -> None:
        if not await self._insist("restored", lambda: self._store.read(_is_restored)):
            states = await self._states()
            month, totals = await self._usage()
            done: list[bool] = []

            def finish(transaction: Transaction) -> None:
                # What was left out because the file had it is not in a file that was begun meanwhile.
                done.append(self._store.files_begun == file)
                if done[-1]:
                    transaction.replace_usage_totals(month.name, totals)
                    transaction.keep_fact(RESTORED_FACT, self._now().isoformat())

            await self._insist("totals", lambda: self._store.commit(finish))
            if not done[-1]:
                return
            tokens = sum(total.spent.total_tokens for total in totals)
            if states or tokens:
                log.info("Read back from Supabase: %d entries of bot_state, %d tokens of this month", states, tokens)
        self._whole = file

    async def _states(self) -> int:
        known, restored = "", 0
        while page := await self._insist("bot_state", lambda after=known: self._remote.states_after(after)):
            known = page[-1].key
            # What is no document was deleted by a person, or is another program's.
            rows = [row for row in page if row.is_document]
            await self._insist("bot_state", lambda rows=rows: self._store.commit(_keep(rows)))
            restored += len(rows)
        return restored

    async def _usage(self) -> tuple[Month, list[UsageTotal]]:
        month = Month.of(self._now())
        spent: dict[tuple[str | None, str], Spent] = defaultdict(Spent)
        known = -1
        while page := await self._insist("gemini_usage", lambda after=known: self._remote.usage_after(month, after)):
            known = page[-1]["id"]
            # Asked for after the page has come: whatever of it this store has sent is in the store by then.
            here = await self._insist("gemini_usage", lambda page=page: self._store.read(_known(page)))
            for row in page:
                if row["event_id"] not in here:
                    spent[row["guild_id"], row["model"] or ""] += _spent(row)
        return month, [UsageTotal(guild_id, model, sum_) for (guild_id, model), sum_ in spent.items()]


async def each_file(store: Store) -> AsyncIterator[int]:
    """The number of the store's file: at once, and again whenever a damaged one was replaced. Without end."""
    known = 0
    while True:
        if known != store.files_begun:
            known = store.files_begun
            yield known
        else:
            await asyncio.sleep(LOOK_SECONDS)


def _keep(rows: list[StateRow]) -> Change:
    return lambda transaction: transaction.restore_states((row.key, row.value, row.revision) for row in rows)


def _spent(row: dict[str, Any]) -> Spent:
    # What an older bot or a person wrote may lack any of them.
    return Spent(*(row[name] or 0 for name in ("prompt_tokens", "completion_tokens", "total_tokens")))


def _known(page: list[Item]) -> Callable[[sqlite3.Connection], set[str]]:
    ids = [row["event_id"] for row in page]
    places = ", ".join("?" * len(ids))
    statement = f"SELECT event_id FROM gemini_usage WHERE event_id IN ({places})"
    return lambda connection: {row[0] for row in connection.execute(statement, ids)}


def _is_restored(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM local_facts WHERE name = ?", (RESTORED_FACT,)).fetchone() is not None
