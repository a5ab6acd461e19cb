"""Whatever happens between the store and Supabase: every accepted row is there once, at its newest revision."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sandbox.supabase import Supabase
from services.recorder import Recorder
from services.replication import Replicator
from services.rows import Play, Session, Usage
from services.store import Store
from services.store.books import read_books
from tests.samples import entry, now, play, session, usage
from tests.torture.conftest import FULL

ROWS = 20_500 if FULL else 700
"""Rows made, of which most are changed later."""
STORMS = 60 if FULL else 11
GUILDS = 50
Weather = Callable[[Supabase], Awaitable[None]]


def answers(status: int, body: str, **headers: str) -> Weather:
    async def fall(supabase: Supabase) -> None:
        supabase.answer(status, body, headers, times=4)

    return fall


async def outage(supabase: Supabase) -> None:
    await supabase.down()
    await asyncio.sleep(0.3)  # an outage is time
    await supabase.up()


async def slow(supabase: Supabase) -> None:
    supabase.slow(0.2)
    await asyncio.sleep(0.5)
    supabase.slow(0)


async def half_open(supabase: Supabase) -> None:
    supabase.slow(60)
    await asyncio.sleep(1.5)
    supabase.slow(0)


async def reset_before(supabase: Supabase) -> None:
    supabase.reset(5)


async def reset_after(supabase: Supabase) -> None:
    supabase.reset(5, after_commit=True)


WEATHERS: dict[str, Weather] = {
    "outage": outage,
    "slow": slow,
    "half-open": half_open,
    "reset before the commit": reset_before,
    "reset after the commit": reset_after,
    "402": answers(402, '{"message": "restricted"}'),
    "405/25006": answers(405, '{"code": "25006", "message": "cannot execute INSERT in a read-only transaction"}'),
    "429": answers(429, "slow down", **{"Retry-After": "1"}),
    "500": answers(500, '{"code": "XX000", "message": "internal"}'),
    "57014": answers(500, '{"code": "57014", "message": "canceling statement due to statement timeout"}'),
    "HTML 522": answers(522, "<html>a gateway's page</html>"),
}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same waits, shorter."""
    monkeypatch.setattr("services.replication.lane.GATHER_SECONDS", 0.02)
    monkeypatch.setattr("services.replication.lane.PAUSED_RETRY_SECONDS", 0.1)
    monkeypatch.setattr("services.replication.backoff.FIRST", 0.05)
    monkeypatch.setattr("services.replication.backoff.LONGEST", 0.3)
    monkeypatch.setattr("services.replication.exchange.TIMEOUT", 1.0)


class Life:
    """What a bot records, and what has to come of it."""

    def __init__(self, recorder: Recorder, chance: random.Random) -> None:
        self._recorder = recorder
        self._chance = chance
        self.plays: dict[str, Play] = {}
        self.usages: dict[str, Usage] = {}
        self.sessions: dict[str, Session] = {}
        self.logged: list[str] = []

    @property
    def rows(self) -> int:
        """Rows made so far, but for sessions, which come and go."""
        return len(self.plays) + len(self.usages) + len(self.logged)

    def go_on(self) -> None:
        """One thing happens in some guild."""
        guild_id = str(self._chance.randrange(GUILDS))
        match self._chance.choice(("start", "end", "move", "stop", "ask", "settle", "log")):
            case "start":
                self._put(self.plays, play(guild_id=guild_id))
            case "end" if self.plays:
                row = self._chance.choice(list(self.plays.values()))
                self._put(self.plays, replace(row, ended_at=now(), played_ms=self._chance.randrange(10**6)))
            case "move":
                moved = session(guild_id, position_ms=self._chance.randrange(10**6))
                self.sessions[guild_id] = moved
                self._recorder.record(moved)
            case "stop":
                self.sessions.pop(guild_id, None)
                self._recorder.close_session(guild_id)
            case "settle" if self.usages:
                row = self._chance.choice(list(self.usages.values()))
                self._put(self.usages, replace(row, status="settled", total_tokens=self._chance.randrange(10**4)))
            case "ask":
                self._put(self.usages, usage(guild_id=guild_id))
            case _:
                self.logged.append(f"message {len(self.logged)}")
                self._recorder.record(entry(self.logged[-1]))

    def _put(self, rows: dict[str, Any], row: Any) -> None:
        rows[row.event_id] = row
        self._recorder.record(row)


class Sky:
    """Every kind of weather in turn, in an order of the seed's; sometimes two at once."""

    def __init__(self, supabase: Supabase, chance: random.Random) -> None:
        self._supabase = supabase
        self._chance = chance
        self._deck: list[str] = []
        self.doubled = 0

    async def fall(self) -> None:
        """One storm, until it is over."""
        if not self._deck:
            self._deck = self._chance.sample(list(WEATHERS), len(WEATHERS))
        kinds = [self._deck.pop()]
        if self._deck and self._chance.random() < 0.3:
            kinds.append(self._deck.pop())
            self.doubled += 1
        await asyncio.gather(*(WEATHERS[kind](self._supabase) for kind in kinds))


async def check_books(store: Store) -> None:
    books = await store.read(read_books)
    assert all(book.balanced for book in books.values()), books


@pytest.mark.timeout(900)
async def test_every_accepted_row_is_there_once_at_its_newest_revision(
    tmp_path: Path, supabase: Supabase, seed: int, shown: Callable[..., None]
) -> None:
    chance = random.Random(seed)
    async with Store(tmp_path) as store, Replicator(store, supabase.url, supabase.service_role_key) as replicator:
        life = Life(Recorder(store), chance)
        replicator.reconcile(
            "1", owns=lambda _: True, joined=lambda _: True, live=life.sessions.keys, begun=life.sessions.keys
        )
        sky = Sky(supabase, chance)
        storms = changes = 0
        while life.rows < ROWS:
            life.go_on()
            changes += 1
            if life.rows * STORMS >= storms * ROWS:
                storms += 1
                storm = asyncio.create_task(sky.fall())
                while not storm.done():
                    # Life goes on in a storm, which a clock ends.
                    life.go_on()
                    changes += 1
                    await check_books(store)
                    await asyncio.sleep(0.01)
                await storm
            if changes % 10 == 0:
                await check_books(store)
        await supabase.up()
        async with asyncio.timeout(300):
            while any(book.waiting for book in (await store.read(read_books)).values()) or store.held:
                await check_books(store)
                await asyncio.sleep(0.05)
        books = await store.read(read_books)
    assert all(book.balanced and not book.set_aside and not book.dropped for book in books.values()), books
    await agrees(supabase, life)
    shown(rows=life.rows, changes=changes, storms=storms, of_two_faults=sky.doubled, rows_lost=0, rows_doubled=0)


async def agrees(supabase: Supabase, life: Life) -> None:
    """The remote tables are what was recorded last."""
    plays = await supabase.rows("music_history")
    assert len(plays) == len(life.plays)
    assert {row["event_id"]: row["played_ms"] for row in plays} == {
        key: row.played_ms for key, row in life.plays.items()
    }
    usages = await supabase.rows("gemini_usage")
    assert len(usages) == len(life.usages)
    assert {row["event_id"]: row["total_tokens"] for row in usages} == {
        key: row.total_tokens for key, row in life.usages.items()
    }
    sessions = await supabase.rows("active_sessions")
    assert {row["guild_id"]: row["position_ms"] for row in sessions} == {
        guild_id: row.position_ms for guild_id, row in life.sessions.items()
    }
    logged = sorted(row["message"] for row in await supabase.rows("bot_logs") if row["message"].startswith("message "))
    assert logged == sorted(life.logged)
