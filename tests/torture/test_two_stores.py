"""Two hosts whose clocks disagree write the same guilds: who owns a guild has the last word, and no clock is
poisoned for good."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Self

import pytest

from sandbox.supabase import Supabase
from services.recorder import Recorder
from services.replication import Replicator
from services.rows import Session
from services.store import Store
from services.store.books import read_books
from services.store.clock import LIMIT
from tests.samples import play, session
from tests.services.replication.conftest import quick
from tests.services.replication.drained import drained
from tests.torture.conftest import FULL

__all__ = ["quick"]

STEPS = 2_000 if FULL else 150
GUILDS = [str(number) for number in range(1, 9)]
LATE = ("101", "102", "103")
HOUR = timedelta(hours=1)


class Host:
    """A machine with a bot's store, and a clock that goes as it likes."""

    def __init__(self, folder: Path, supabase: Supabase, ahead: timedelta = timedelta()) -> None:
        self.store = Store(folder)
        self.replicator = Replicator(self.store, supabase.url, supabase.service_role_key)
        self.recorder = Recorder(self.store)
        self.ahead = ahead
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.store)
        # The writer takes the time from the system, of which both hosts here have the same.
        clock = self.store._writer._clock  # pyright: ignore[reportPrivateUsage] - nobody else may set a clock
        clock._time_us = lambda: time.time_ns() // 1000 + self.ahead // timedelta(microseconds=1)  # pyright: ignore[reportPrivateUsage] - as above
        await self._stack.enter_async_context(self.replicator)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def ready(self, owner: Mapping[str, Host]) -> None:
        """Its shards are known."""
        self.replicator.reconcile(
            "1", lambda guild_id: owner[guild_id] is self, lambda _: True, lambda: owner, lambda: owner
        )
        async with asyncio.timeout(10):
            while self.replicator.catching_up:
                await asyncio.sleep(0.01)


class Truth:
    """What the owners have said last."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.sessions: dict[str, Session | None] = {}

    def say(self, guild_id: str, host: Host) -> None:
        """The guild's owner starts, moves or stops its session."""
        said = None if self._chance.random() < 0.2 else session(guild_id, position_ms=self._chance.randrange(10**6))
        self.sessions[guild_id] = said
        if said is None:
            host.recorder.close_session(guild_id)
        else:
            host.recorder.record(said)

    async def holds(self, supabase: Supabase) -> None:
        rows = await supabase.rows("active_sessions")
        assert {row["guild_id"]: row["position_ms"] for row in rows} == {
            guild_id: said.position_ms for guild_id, said in self.sessions.items() if said is not None
        }


async def quarrel(hosts: tuple[Host, Host], owner: dict[str, Host], truth: Truth, chance: random.Random) -> int:
    """Guilds speak and move; how often they moved."""
    moves = 0
    for step in range(STEPS):
        guild_id = chance.choice(GUILDS)
        truth.say(guild_id, owner[guild_id])
        if chance.random() < 0.2:
            # What the old owner has said may still be under way while the new one speaks.
            owner[guild_id] = hosts[owner[guild_id] is hosts[0]]
            truth.say(guild_id, owner[guild_id])
            moves += 1
        if step % 10 == 0:
            await asyncio.sleep(chance.uniform(0, 0.05))
    return moves


async def speak_late(hosts: tuple[Host, Host], owner: dict[str, Host], truth: Truth) -> None:
    """Everybody speaks once more; and a host whose clock is behind, of guilds that it knows nothing of yet."""
    for host in hosts:
        await drained(host.store)
    for guild_id in GUILDS:
        truth.say(guild_id, owner[guild_id])
    for order in (hosts, hosts[::-1]):
        for guild_id in LATE:
            for owner[guild_id] in order:
                truth.say(guild_id, owner[guild_id])
                await drained(owner[guild_id].store)
    for host in hosts:
        await drained(host.store)
        books = await host.store.read(read_books)
        assert not any(book.set_aside or book.dropped for book in books.values())


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("ahead", "poison"),
    [
        pytest.param(timedelta(minutes=1), 0, id="a minute apart"),
        pytest.param(timedelta(days=365), 0, id="a year ahead"),
        pytest.param(-timedelta(minutes=1), LIMIT, id="a revision at the limit"),
    ],
)
async def test_the_owner_has_the_last_word_however_the_clocks_go(
    tmp_path: Path, supabase: Supabase, seed: int, shown: Callable[..., None], *, ahead: timedelta, poison: int
) -> None:
    chance = random.Random(seed)
    truth = Truth(chance)
    known = ", ".join(f"('{guild_id}', {poison})" for guild_id in (*GUILDS, *LATE))
    await supabase.execute(f"insert into public.session_revisions values {known}")
    async with Host(tmp_path / "a", supabase) as one, Host(tmp_path / "b", supabase, ahead) as other:
        owner = {guild_id: chance.choice((one, other)) for guild_id in (*GUILDS, *LATE)}
        for host in (one, other):
            await host.ready(owner)
        moves = await quarrel((one, other), owner, truth, chance)
        await speak_late((one, other), owner, truth)
    await truth.holds(supabase)
    # A third host, whose clock is right, is heard at once.
    async with Host(tmp_path / "c", supabase) as third:
        await third.ready(dict.fromkeys((*GUILDS, *LATE), third))
        for guild_id in (*GUILDS, *LATE):
            truth.say(guild_id, third)
        await drained(third.store)
    await truth.holds(supabase)
    shown(updates=STEPS, moves=moves, stale_sessions=0)


async def test_a_clock_that_jumps_by_an_hour_loses_nothing(
    tmp_path: Path, supabase: Supabase, seed: int, shown: Callable[..., None]
) -> None:
    chance = random.Random(seed)
    truth = Truth(chance)
    jumps = 40 if FULL else 8
    async with Host(tmp_path, supabase) as host:
        await host.ready(dict.fromkeys(GUILDS, host))
        kept = [play() for _ in range(jumps)]
        for row in kept:
            host.ahead = chance.choice((-HOUR, timedelta(), HOUR))
            host.recorder.record(row)
            for guild_id in GUILDS:
                truth.say(guild_id, host)
            await asyncio.sleep(chance.uniform(0, 0.05))
        await drained(host.store)
    await truth.holds(supabase)
    assert {row["event_id"] for row in await supabase.rows("music_history")} == {row.event_id for row in kept}
    shown(jumps=jumps, rows_lost=0)
