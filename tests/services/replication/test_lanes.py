"""A lane says what it is doing: faults of our own, foreign answers, and that nothing waits any more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
import pytest

from sandbox.supabase import Supabase
from services.recorder import Recorder
from services.replication import Replicator
from services.replication.faults import Paused
from services.replication.lane import Lane
from services.replication.remote import Remote
from services.rows import LogEntry, Play
from services.store import Store
from services.store.ledger import Month
from services.store.tables import SESSIONS, TABLE_OF
from services.store.transaction import Transaction
from tests.samples import entry, now, play, session
from tests.services.replication.drained import drained

HISTORY = TABLE_OF[Play]
LOGS = TABLE_OF[LogEntry]


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.01)


async def test_a_fault_of_our_own_is_shown_for_as_long_as_it_lasts(
    store: Store, replicator: Replicator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("ours")

    lane = replicator.lanes[HISTORY]
    monkeypatch.setattr(lane, "send", fail)
    Recorder(store).record(play())
    await until(lambda: bool(replicator.failing))
    assert "ours" in str(replicator.failing)
    monkeypatch.undo()
    await drained(store)
    await until(lambda: replicator.failing is None)


@pytest.mark.parametrize("answer", ['[{"x": 1}]', "[1]", '[{"guild_id": "5", "revision": null}]', '[{"revision": 7}]'])
async def test_a_foreign_function_of_that_name_asks_for_the_migrations(supabase: Supabase, answer: str) -> None:
    supabase.answer(200, answer, {"Content-Type": "application/json"})
    remote = await Remote.open(supabase.url, supabase.service_role_key)
    with pytest.raises(Paused, match="migrations/"):
        await remote.apply_sessions([{"guild_id": "5", "revision": 7}])
    await remote.aclose()


@pytest.mark.parametrize("status", [503, 402])
async def test_a_lane_whose_rows_have_gone_is_well_again(
    store: Store, supabase: Supabase, replicator: Replicator, status: int
) -> None:
    def troubled(lane: Lane) -> bool:
        return bool(lane.failing or lane.paused)

    def make_room(transaction: Transaction) -> None:
        transaction.make_room(500)

    logs, sessions = replicator.lanes[LOGS], replicator.lanes[SESSIONS]
    await until(lambda: not replicator.catching_up)
    supabase.answer(status, "{}")
    recorder = Recorder(store)
    recorder.record(entry())
    recorder.record(session("5"))
    await until(lambda: troubled(logs) and troubled(sessions))
    await store.commit(make_room)
    await until(lambda: not troubled(logs))
    assert troubled(sessions)
    await supabase.up()


async def test_no_more_is_asked_for_at_a_time_than_can_be_looked_up_at_once(supabase: Supabase) -> None:
    """PostgREST's own bound on rows is off by default, SQLite's on values is 32,766."""
    remote = await Remote.open(supabase.url, supabase.service_role_key)
    bounds: list[str] = []

    async def note(request: httpx.Request) -> None:
        bounds.append(request.url.params.get("limit", "none"))

    remote._exchange.http.event_hooks["request"].append(note)  # pyright: ignore[reportPrivateUsage] - nobody else sees the question
    assert await remote.states_after("") == await remote.usage_after(Month.of(now()), -1) == []
    assert await remote.sessions_of("1") == []
    assert bounds == ["1000"] * 3
    await remote.aclose()
