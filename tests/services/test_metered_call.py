"""The ledger's row of a call is on the disk before the call, or there is no call and no open row."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

import pytest

from services.errors import StoreUnavailable
from services.gemini import Content, Gemini
from services.metered_call import MeteredCall
from services.recorder import Recorder
from services.store import Store
from services.store.books import read_books
from tests.samples import usage


class NeverAsked(Gemini):
    """No call may come of a row that could not be opened."""

    def __init__(self) -> None:
        """Without a key or a connection."""

    def stream(self, model: str, contents: Sequence[Content], system: str) -> AsyncGenerator[Any, None]:
        raise AssertionError("Gemini was asked")


class Stall:
    """A disk that hangs in the middle of a commit."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.over = threading.Event()

    def __call__(self, _: object) -> None:
        self.entered.set()
        self.over.wait(10)


async def test_a_row_that_lands_after_the_disk_hung_is_no_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.store.store.COMMIT_TIMEOUT", 0.2)
    first, second = Stall(), Stall()
    async with Store(tmp_path) as store:
        call = MeteredCall(Recorder(store), NeverAsked(), usage())
        # The row shares a group with what hangs: it is in the disk's hands when its time is over.
        store.hand_over(first)
        await asyncio.to_thread(first.entered.wait, 10)
        store.hand_over(second)
        texts = asyncio.create_task(anext(call.texts([Content("user", ("hello",))], "")))
        while store.held < 2:
            await asyncio.sleep(0)
        first.over.set()
        with pytest.raises(StoreUnavailable):
            await asyncio.wait_for(texts, 5)
        assert second.entered.is_set()
        second.over.set()
        await store.commit(lambda _: None)
        rows = await store.read(
            lambda c: [tuple(row) for row in c.execute("SELECT status, total_tokens, estimated FROM gemini_usage")]
        )
        assert rows == [("failed", 0, 0)]
        books = (await store.read(read_books))["gemini_usage"]
        assert (books.accepted, books.waiting) == (1, 1)


async def test_a_row_that_was_withdrawn_in_time_never_lands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.store.store.COMMIT_TIMEOUT", 0.05)
    stall = Stall()
    async with Store(tmp_path) as store:
        store.hand_over(stall)
        await asyncio.to_thread(stall.entered.wait, 10)
        with pytest.raises(StoreUnavailable):
            await anext(MeteredCall(Recorder(store), NeverAsked(), usage()).texts([], ""))
        stall.over.set()
        await store.commit(lambda _: None)
        assert (await store.read(read_books))["gemini_usage"].accepted == 0
