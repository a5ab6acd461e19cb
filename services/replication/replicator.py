"""All lanes together: opened in the background, told of commits, flushed at the end."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Collection, Coroutine
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any, Self, TypeVar

from services.commands import CarryOut
from services.errors import StoreUnavailable
from services.replication.abandoned import settle_abandoned
from services.replication.backoff import Backoff
from services.replication.command_queue import CommandQueue
from services.replication.faults import Paused, RemoteFault, Transient
from services.replication.lane import PAUSED_RETRY_SECONDS, KeyedLane, Lane
from services.replication.remote import Remote
from services.replication.restoration import Restoration, each_file
from services.replication.retry import watch_for_retry
from services.replication.sessions import SessionLane
from services.replication.states import StateLane
from services.rows import State
from services.store import TABLES, Store, Table
from services.store.tables import SESSIONS, TABLE_OF
from services.tasks import log_failure

log = logging.getLogger("bot.replication")

Answer = TypeVar("Answer")
FLUSH_SECONDS = 2.5
REPORT_SECONDS, MISSING_SECONDS = 600.0, 60.0
"""How often the database is asked how it is, and while something is missing there."""
# Only these can be written by two stores, so only these can hold a revision above this store's clock.
STATE = TABLE_OF[State]
SHARED = ("session_revisions", STATE.name)


class Replicator:
    """`async with Replicator(store, url, key)`: replicates until it is left; leaving flushes for at most 2.5 s."""

    def __init__(
        self, store: Store, url: str, key: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._store = store
        self._url = url
        self._key = key
        self._now = now
        self._tasks: list[asyncio.Task[None]] = []
        self._left = False

    async def __aenter__(self) -> Self:
        self._remote = await Remote.open(self._url, self._key)
        self._sessions = SessionLane(self._store, self._remote)
        self.lanes: dict[Table, Lane] = {
            table: KeyedLane(table, self._store, self._remote) for table in TABLES if table not in {SESSIONS, STATE}
        }
        self.lanes[SESSIONS] = self._sessions
        self.lanes[STATE] = StateLane(STATE, self._store, self._remote)
        self._lifted = asyncio.Event()
        self._refusing: dict[str, RemoteFault] = {}
        """What could not be read yet (the highest revisions, the sessions, what an earlier disk held), and why."""
        self._restoration = Restoration(self._store, self._remote, self._insist, self._now)
        self._store.listeners.append(self._woken)
        self._begin(self._connect(), "connect")
        self._begin(self._restore(), "restoration")
        self._begin(watch_for_retry(self._store), "retry")
        self._begin(settle_abandoned(self._remote, self._now), "abandoned")
        for table, lane in self.lanes.items():
            self._begin(self._run(lane), table.name)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._left = True
        self._store.listeners.remove(self._woken)
        await self._stop()
        with suppress(TimeoutError, StoreUnavailable):
            async with asyncio.timeout(FLUSH_SECONDS):
                # An empty change comes after all that was handed over: what the last second recorded is read too.
                await self._store.commit(lambda _: None)
                lanes = [lane for lane in self.lanes.values() if self._may_send(lane)]
                for outcome in await asyncio.gather(*(lane.flush() for lane in lanes), return_exceptions=True):
                    if isinstance(outcome, Exception):
                        log.error("The last flush failed unexpectedly", exc_info=outcome)
        with suppress(TimeoutError):
            async with asyncio.timeout(0.2):
                await self._remote.aclose()

    @property
    def paused(self) -> list[str]:
        """What somebody has to do, one sentence a paused lane."""
        reasons = [str(fault) for fault in self._refusing.values() if isinstance(fault, Paused)]
        return list(dict.fromkeys([*reasons, *(lane.paused for lane in self.lanes.values() if lane.paused)]))

    @property
    def failing(self) -> str | None:
        """The transient fault that rows wait for now; None while they flow."""
        faults = [str(fault) for fault in self._refusing.values() if isinstance(fault, Transient)]
        return next((fault for fault in (*faults, *(lane.failing for lane in self.lanes.values())) if fault), None)

    @property
    def catching_up(self) -> bool:
        """Whether `bot_state` or this month's usage of an earlier disk may still be missing in the local store."""
        return self._restoration.catching_up

    def reconcile(
        self,
        application_id: str,
        owns: Callable[[str], bool],
        joined: Callable[[str], bool],
        live: Callable[[], Collection[str]],
        begun: Callable[[], Collection[str]],
    ) -> None:
        """After READY: remove remote sessions that do not live, re-stamp those that do; and again whenever a damaged
        file was replaced, for the deletions that waited in it are lost.

        Removed are this application's in the guilds that this process `owns`, by Discord's formula, and an older
        bot's, which name no application, in the guilds that it has `joined`. Runs in the background for as long as
        it takes; `live`, and `begun` for the guilds that had a session in this run, are asked when the remote rows
        are known.
        """
        self._sessions.owns = owns
        remove_ghosts = partial(self._remove_ghosts, application_id, owns, joined, live, begun)
        self._begin(self._reconcile(remove_ghosts), "reconcile")

    def take_commands(
        self, carry_out: CarryOut, joined: Callable[[str], bool], live: Callable[[], Collection[str]]
    ) -> None:
        """After READY: carry out what dashboards ask of the guilds that this process has `joined`.

        A queue that is missing or refused is tried again by itself and holds up no rows.
        """
        self._begin(self._take_commands(CommandQueue(self._remote, carry_out, joined, live)), "commands")

    async def _take_commands(self, queue: CommandQueue) -> None:
        # By then the database has told whether it has one at all.
        await self._lifted.wait()
        await queue.run()

    async def _reconcile(self, remove_ghosts: Callable[[], Awaitable[None]]) -> None:
        await self._lifted.wait()
        async for _ in each_file(self._store):
            await remove_ghosts()

    async def _remove_ghosts(
        self,
        application_id: str,
        owns: Callable[[str], bool],
        joined: Callable[[str], bool],
        live: Callable[[], Collection[str]],
        begun: Callable[[], Collection[str]],
    ) -> None:
        seen = await self._insist("sessions", lambda: self._remote.sessions_of(application_id))
        living = set(live())
        ghosts = [
            guild_id
            for guild_id, application in seen
            if guild_id not in living and owns(guild_id) and (application is not None or joined(guild_id))
        ]
        # One of this run may have ended, and its deletion be on its way.
        if earlier := set(ghosts).difference(begun()):
            log.info("Sessions of an earlier run are removed: %d", len(earlier))
        for guild_id in ghosts:
            self._store.hand_over(lambda transaction, guild_id=guild_id: transaction.close_session(guild_id))
        self._store.hand_over(lambda transaction: transaction.restamp_sessions(sorted(living)))

    async def _connect(self) -> None:
        for table in SHARED:
            highest = await self._insist(table, lambda table=table: self._remote.highest_revision(table))
            self._store.hand_over(lambda transaction, highest=highest: transaction.rise_above(highest))
        await self._remote.ask_report()
        self._lifted.set()
        while True:
            # Any of the clocks may be set while the bot runs, and a migration applied.
            await asyncio.sleep(REPORT_SECONDS if self._remote.has_queue else MISSING_SECONDS)
            await self._remote.ask_report()

    async def _restore(self) -> None:
        await self._lifted.wait()
        await self._restoration.run()

    async def _insist(self, name: str, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        backoff = Backoff()
        while True:
            try:
                answer = await ask()
            except Exception as error:
                fault = error if isinstance(error, RemoteFault) else Transient(f"unexpected {error!r}")
                if isinstance(error, (StoreUnavailable, sqlite3.Error)):
                    fault = Transient(f"local store: {error}")
                elif fault is not error:
                    log.exception("Replication could not begin")
                if not self._refusing:
                    log.warning("Supabase is not ready: %s", fault)
                self._refusing[name] = fault
                await asyncio.sleep(
                    backoff.delay(fault.retry_after) if isinstance(fault, Transient) else PAUSED_RETRY_SECONDS
                )
            else:
                self._refusing.pop(name, None)
                return answer

    async def _run(self, lane: Lane) -> None:
        # Rows that two stores may write must not be sent from a clock that is behind.
        if not self._may_send(lane):
            await self._lifted.wait()
        await lane.run()

    def _may_send(self, lane: Lane) -> bool:
        return self._lifted.is_set() or lane.table not in {SESSIONS, STATE}

    def _begin(self, work: Coroutine[Any, Any, None], name: str) -> None:
        if self._left:
            # READY can come while the replicator is being left: nothing begins on connections that close.
            work.close()
            return
        task = asyncio.create_task(work, name=f"replication-{name}")
        task.add_done_callback(log_failure)
        self._tasks.append(task)

    def _woken(self, changed: set[Table]) -> None:
        for table in changed:
            self.lanes[table].wake()

    async def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
