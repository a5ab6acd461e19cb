"""Takes the commands of `command_queue` that are for this process's guilds, and has them carried out."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol
from uuid import uuid4

from services.commands import CarryOut, Order, Outcome, QueuedCommand, read_order
from services.errors import UserError
from services.i18n import N_
from services.replication.answers import Claim
from services.replication.backoff import Backoff
from services.replication.faults import Paused, Refused, RemoteFault, Transient

log = logging.getLogger("bot.commands")

BUSY_SECONDS = 2.0
"""Between two questions while this process has a session."""
IDLE_SECONDS = 10.0
PAUSED_RETRY_SECONDS = 60.0
PATIENCE_SECONDS = 60.0
"""A command older than this is never carried out; migrations/ has the same figure."""
LOOK_SECONDS = 0.5
"""A session that has just begun is noticed within this."""
GUILDS_AT_ONCE = 1_000
OUTCOMES_AT_ONCE = 100


class Commands(Protocol):
    """The remote side of the queue."""

    async def claim_commands(self, claimer: str, guilds: list[str]) -> Claim:
        """See `Remote`."""
        ...

    async def finish_commands(self, outcomes: list[Outcome]) -> None:
        """See `Remote`."""
        ...


@dataclass(frozen=True, slots=True)
class _Taken:
    queued: QueuedCommand
    order: Order
    deadline: float


class CommandQueue:
    """Asks in bulk, one request in flight; guilds do not wait for each other, one guild's commands go in order.

    A command is carried out at most once: what was claimed and not reported, for whatever reason, is failed by the
    database when its time is over. `monotonic` is in seconds.
    """

    def __init__(
        self,
        remote: Commands,
        carry_out: CarryOut,
        joined: Callable[[str], bool],
        live: Callable[[], Collection[str]],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._remote = remote
        self._carry_out = carry_out
        self._joined = joined
        self._live = live
        self._monotonic = monotonic
        self._claimer = _new_claimer()
        self._asked_at = self._answered_at = monotonic() - IDLE_SECONDS
        self._waiting: dict[str, deque[_Taken]] = {}
        self._outcomes: list[Outcome] = []
        self._settled = asyncio.Event()
        self._backoff = Backoff()
        self._said: str | None = None

    async def run(self) -> None:
        """Work for ever; ends only by being cancelled, and what is being carried out ends with it."""
        async with asyncio.TaskGroup() as guilds:
            while True:
                hold = 0.0
                try:
                    await self._report()
                    if self._due_in() <= 0:
                        await self._take(guilds)
                    self._worked()
                except Transient as fault:
                    self._say(fault)
                    # Asking every 10 s is this queue's everyday load: to wait longer would spare nobody.
                    hold = max(min(self._backoff.delay(None), IDLE_SECONDS), fault.retry_after or 0.0)
                except RemoteFault as fault:
                    self._say(fault)
                    hold = PAUSED_RETRY_SECONDS
                except Exception:
                    # A fault of our own, or an answer that is not PostgREST's, must not end the queue for good.
                    log.exception("Commands of the dashboard could not be taken")
                    hold = PAUSED_RETRY_SECONDS
                await self._rest(hold)

    async def _take(self, guilds: asyncio.TaskGroup) -> None:
        self._asked_at = self._monotonic()
        asked = await self._claim(guilds, sorted(self._live())[:GUILDS_AT_ONCE])
        # Nothing plays there, or what plays began just now: to say so is this process's too.
        if ours := [guild_id for guild_id in asked if self._joined(guild_id)]:
            await self._claim(guilds, ours)
        self._answered_at = self._monotonic()

    async def _claim(self, guilds: asyncio.TaskGroup, wanted: list[str]) -> list[str]:
        sent_at = self._monotonic()
        claim = await self._remote.claim_commands(self._claimer, wanted)
        # Only now: until its answer has come, the same claim is asked for again.
        self._claimer = _new_claimer()
        for queued in claim.taken:
            try:
                order = read_order(queued.command, queued.payload)
            except UserError as fault:
                self._settle(queued, fault)
                continue
            taken = _Taken(queued, order, sent_at + PATIENCE_SECONDS - queued.age_s)
            if order.guild_id in self._waiting:
                self._waiting[order.guild_id].append(taken)
            else:
                self._waiting[order.guild_id] = deque([taken])
                guilds.create_task(self._serve(order.guild_id), name=f"commands-{order.guild_id}")
        return claim.asked

    async def _serve(self, guild_id: str) -> None:
        waiting = self._waiting[guild_id]
        try:
            while waiting:
                taken = waiting.popleft()
                self._settle(taken.queued, await self._try(taken))
        finally:
            del self._waiting[guild_id]

    async def _try(self, taken: _Taken) -> UserError | None:
        left = taken.deadline - self._monotonic()
        if left <= 0:
            return UserError(N_("Too late: the command was not carried out within {seconds} s."), seconds=60)
        try:
            async with asyncio.timeout(left):
                await self._carry_out(taken.order)
        except UserError as fault:
            return fault
        except TimeoutError:
            return UserError(N_("Too late: the command was not carried out within {seconds} s."), seconds=60)
        except Exception:
            log.exception("Unexpected fault in the command %s", taken.queued.id)
            return UserError(
                N_("Something went wrong on my side. The operator finds the cause under the id {id}."),
                id=taken.queued.id,
            )
        return None

    def _settle(self, queued: QueuedCommand, fault: UserError | None) -> None:
        outcome = Outcome.of_fault(queued.id, fault) if fault else Outcome(queued.id)
        # What strangers wrote is shown as Python would write it: on one line, and not all of it.
        log.info(
            "Command %.40r of the dashboard, %.80r: %s",
            queued.command,
            queued.payload,
            f"failed: {fault.text('en')}" if fault else "completed",
        )
        self._outcomes.append(outcome)
        self._settled.set()

    async def _report(self) -> None:
        self._settled.clear()
        while self._outcomes:
            batch = self._outcomes[:OUTCOMES_AT_ONCE]
            try:
                await self._remote.finish_commands(batch)
            except Refused as fault:
                log.warning("What became of %d commands could not be told: %s", len(batch), fault)
            del self._outcomes[: len(batch)]

    def _due_in(self) -> float:
        interval = BUSY_SECONDS if self._live() else IDLE_SECONDS
        # A database that takes seconds to answer is not asked again on the spot.
        return max(self._asked_at + interval, self._answered_at + LOOK_SECONDS) - self._monotonic()

    async def _rest(self, hold: float) -> None:
        held_until = self._monotonic() + hold
        while True:
            held = held_until - self._monotonic()
            if held <= 0 and (self._outcomes or self._due_in() <= 0):
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(min(max(held, self._due_in()), LOOK_SECONDS)):
                    await (asyncio.sleep(held) if held > 0 else self._settled.wait())

    def _worked(self) -> None:
        if self._said:
            log.info("Commands of the dashboard are taken again")
        self._said = None
        self._backoff.reset()

    def _say(self, fault: RemoteFault) -> None:
        said = str(fault) if isinstance(fault, Paused) else "for now"
        if said != self._said:
            log.warning("Commands of the dashboard are not taken: %s", fault)
        self._said = said


def _new_claimer() -> str:
    return str(uuid4())
