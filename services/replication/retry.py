"""`doctor --retry-set-aside`: another process leaves a mark in the store, and the bot sends those rows again."""

from __future__ import annotations

import asyncio
import logging
import sqlite3

from services.errors import StoreUnavailable
from services.store import Store
from services.store.transaction import Transaction

log = logging.getLogger("bot.replication")

RETRY_FACT = "retry-set-aside"
"""The name in `local_facts`; its value does not matter."""
LOOK_SECONDS = 3.0


async def watch_for_retry(store: Store) -> None:
    """Look for the mark until cancelled."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        try:
            if await store.read(_is_marked):
                await store.commit(_retry)
        except (StoreUnavailable, sqlite3.Error) as error:
            log.debug("The store could not be asked for a mark: %s", error)


def _is_marked(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM local_facts WHERE name = ?", (RETRY_FACT,)).fetchone() is not None


def _retry(transaction: Transaction) -> None:
    rows = transaction.retry_set_aside()
    transaction.forget_fact(RETRY_FACT)
    log.info("Rows that were set aside are sent again: %d", rows)
