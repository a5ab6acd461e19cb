"""What only time has changed goes slowly, and never before what people did; times are the database's."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import pytest_asyncio

from sandbox.supabase import Supabase
from services.recorder import Recorder
from services.replication import Replicator
from services.replication.clock_offset import ClockOffset
from services.replication.exchange import Item
from services.replication.faults import Transient
from services.replication.remote import Remote
from services.store import Store
from services.store.tables import SESSIONS
from services.store.transaction import Transaction
from tests.samples import now, play, session
from tests.services.replication.drained import BEGINNING, drained


@dataclass
class Sent:
    at: float
    guilds: list[str]


@pytest_asyncio.fixture
async def sent(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[Sent]]:
    """Each request of sessions, with when it was made."""
    requests: list[Sent] = []
    apply = Remote.apply_sessions

    async def noted(self: Remote, items: list[Item]) -> Any:
        requests.append(Sent(time.monotonic(), [item["guild_id"] for item in items]))
        return await apply(self, items)

    monkeypatch.setattr(Remote, "apply_sessions", noted)
    yield requests


async def waiting_sessions(store: Store) -> dict[str, int]:
    """The revision of each session that waits."""
    await store.commit(lambda _: None)
    waiting = "SELECT guild_id, revision FROM active_sessions WHERE revision <> replicated_revision"
    return await store.read(lambda c: dict(map(tuple, c.execute(waiting))))


@pytest.mark.usefixtures("replicator")
async def test_ticks_go_in_slices_and_what_people_do_passes_them(
    store: Store, supabase: Supabase, sent: list[Sent]
) -> None:
    recorder = Recorder(store)
    for number in range(100, 160):
        recorder.record(session(str(number)))
    await drained(store)
    sent.clear()
    for number in range(100, 160):
        recorder.record_tick(session(str(number), position_ms=10_000))
    await store.commit(lambda _: None)
    await supabase.until(lambda: bool(sent))
    recorder.record_tick(session("159", position_ms=11_000))
    recorder.record(session("7", track_title="asked for just now"))

    async def arrived() -> bool:
        return bool(await supabase.rows("active_sessions", "guild_id = '7'"))

    await supabase.until(arrived, 0.8)
    await drained(store)
    slices = [(request.at, len({*request.guilds} - {"7"})) for request in sent if request.guilds != ["7"]]
    assert [rows for _, rows in slices] == [20, 20, 20]
    assert all(later - sooner >= 0.95 for (sooner, _), (later, _) in pairwise(slices))
    positions = {row["guild_id"]: row["position_ms"] for row in await supabase.rows("active_sessions")}
    assert positions == {"7": 0, "159": 11_000, **{str(number): 10_000 for number in range(100, 159)}}


async def test_what_is_only_sent_again_goes_as_ticks_do(
    store: Store, supabase: Supabase, replicator: Replicator, sent: list[Sent]
) -> None:
    recorder = Recorder(store)
    live = {str(number) for number in range(100, 130)}
    for guild_id in sorted(live):
        recorder.record(session(guild_id))
    await drained(store)
    await supabase.execute("delete from public.active_sessions where guild_id in ('100', '129')")
    sent.clear()
    replicator.reconcile("1", owns=lambda _: True, joined=lambda _: True, live=lambda: live, begun=lambda: live)

    async def is_whole() -> bool:
        return {row["guild_id"] for row in await supabase.rows("active_sessions")} == live

    await supabase.until(is_whole)
    await drained(store)
    assert [len(request.guilds) for request in sent] == [20, 10]
    assert sent[1].at - sent[0].at >= 0.95


async def test_a_change_that_waits_is_a_persons_however_often_it_is_sent_again(store: Store) -> None:
    recorder = Recorder(store)
    for guild_id in ("1", "2", "3"):
        recorder.record(session(guild_id))
    recorder.close_session("3")

    def deliver_one(transaction: Transaction) -> None:
        transaction.acknowledge(SESSIONS, [("1", revisions["1"])])

    revisions = await waiting_sessions(store)
    await store.commit(deliver_one)
    await store.commit(lambda transaction: transaction.restamp_sessions(["1", "2", "3"]))
    assert {*await waiting_sessions(store)} == {"1", "2", "3"}
    ticks = await store.read(lambda c: dict(map(tuple, c.execute("SELECT guild_id, tick FROM active_sessions"))))
    assert ticks == {"1": 1, "2": 0, "3": 0}


@pytest.mark.usefixtures("replicator")
async def test_a_guild_that_moves_on_all_the_time_is_not_passed_over(store: Store, sent: list[Sent]) -> None:
    recorder = Recorder(store)
    for number in range(100, 130):
        recorder.record(session(str(number)))
    await drained(store)
    sent.clear()
    while len(sent) < 2:
        for number in range(100, 130):
            recorder.record_tick(session(str(number), position_ms=len(sent)))
        await store.commit(lambda _: None)
    assert {guild for request in sent[:2] for guild in request.guilds} == {str(number) for number in range(100, 130)}


async def test_a_sessions_time_is_the_databases_and_a_facts_time_the_bots(
    store: Store, supabase: Supabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bot's clock is 30 s fast: both what it stamps rows with and what it measures answers by."""
    monkeypatch.setattr("services.replication.exchange.time", lambda: time.time() + 30)
    async with Replicator(store, supabase.url, supabase.service_role_key) as replicator:
        await supabase.until(lambda: len(supabase.requests) >= BEGINNING)
        stamped = now() + timedelta(seconds=30)
        recorder = Recorder(store)
        recorder.record(session("5", updated_at=stamped))
        recorder.record(play(created_at=stamped))
        await drained(store)
        assert replicator.paused == []
    (row,) = await supabase.rows("active_sessions")
    assert abs((datetime.fromisoformat(row["updated_at"]) - (stamped - timedelta(seconds=30))).total_seconds()) < 1
    (row,) = await supabase.rows("music_history")
    assert datetime.fromisoformat(row["created_at"]) == stamped


async def test_the_database_tells_its_time_and_no_gateway_is_believed(
    supabase: Supabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.replication.exchange.time", lambda: time.time() + 30)
    remote = await Remote.open(supabase.url, supabase.service_role_key)
    strange = {"Date": "Thu, 01 Jan 2026 00:00:00 GMT"}
    supabase.answer(522, "<html>a gateway's page</html>", strange)
    with pytest.raises(Transient):
        await remote.highest_revision("bot_state")
    assert remote.clock.seconds == 0
    await supabase.up()
    await remote.highest_revision("bot_state")
    assert remote.clock.seconds == pytest.approx(-30, abs=1)
    await remote.ask_report()
    assert remote.clock.seconds == pytest.approx(-30, abs=0.1)
    supabase.answer(200, '[{"revision": 1}]', strange)
    await remote.highest_revision("bot_state")
    assert remote.clock.seconds == pytest.approx(-30, abs=0.1)
    await remote.aclose()


def test_a_clock_that_agrees_is_left_alone_and_one_that_does_not_is_measured_ever_better() -> None:
    clock = ClockOffset()
    for tenth in range(50):
        at = 1_000.0 + tenth / 7
        clock.seen(float(int(at)), at - 0.05, at + 0.05)
    assert clock.seconds == 0
    for tenth in range(50):
        at = 2_000.0 + tenth / 7
        clock.seen(float(int(at - 29.7)), at - 0.05, at + 0.05)
    assert clock.seconds == pytest.approx(-29.7, abs=0.15)
    clock.seen(9_000.0, 5_000.0, 5_000.1)
    assert clock.seconds == pytest.approx(4_000.4, abs=0.6), "a clock was set: what was known is forgotten"
