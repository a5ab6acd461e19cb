"""Waiting for replication."""

from __future__ import annotations

import asyncio

from services.store import Store
from services.store.books import read_books

BEGINNING = 5
"""Requests before any row is sent: two for the highest revisions, one for the time, two for what an earlier disk
held (nothing)."""


async def drained(store: Store) -> None:
    """Wait until nothing waits; the books must balance all the way."""
    await store.commit(lambda _: None)
    async with asyncio.timeout(15):
        while True:
            books = await store.read(read_books)
            assert all(book.balanced for book in books.values()), books
            if not any(book.waiting for book in books.values()):
                return
            await asyncio.sleep(0.01)
