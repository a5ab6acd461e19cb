"""What a dashboard asks for in a real PostgreSQL behind a real PostgREST is carried out once, soon, or not at all."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio

from sandbox.supabase import MIGRATIONS, PostgreSQL, Supabase
from services.commands import Order, Outcome, QueuedCommand, Seek, Volume
from services.errors import UserError
from services.replication import Replicator
from services.replication.answers import Claim
from services.replication.command_queue import CommandQueue
from services.replication.faults import Paused, Refused
from services.replication.remote import Remote
from services.store import Store

pytestmark = pytest.mark.usefixtures("quick")
MIGRATION = MIGRATIONS / "20261122000300_command_queue.sql"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same waits, shorter."""
    for name, seconds in {"BUSY": 0.05, "IDLE": 0.2, "LOOK": 0.02, "PAUSED_RETRY": 0.2}.items():
        monkeypatch.setattr(f"services.replication.command_queue.{name}_SECONDS", seconds)
    monkeypatch.setattr("services.replication.backoff.FIRST", 0.05)


class Players:
    """Carries orders out by remembering them; `joined` guilds are this process's, `live` ones play."""

    def __init__(self, *live: str, joined: tuple[str, ...] = ()) -> None:
        self.live = set(live)
        self.joined = {*live, *joined}
        self.orders: list[Order] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.fault: Exception | None = None

    async def carry_out(self, order: Order) -> None:
        if order.guild_id not in self.live:
            raise UserError("Nothing is playing here.")
        self.orders.append(order)
        await self.gate.wait()
        if self.fault:
            raise self.fault


@pytest_asyncio.fixture
async def remote(supabase: Supabase) -> AsyncIterator[Remote]:
    remote = await Remote.open(supabase.url, supabase.service_role_key)
    yield remote
    await remote.aclose()


@asynccontextmanager
async def running(remote: Remote, players: Players) -> AsyncGenerator[None]:
    queue = CommandQueue(remote, players.carry_out, players.joined.__contains__, lambda: players.live)
    task = asyncio.create_task(queue.run())
    try:
        yield
        assert not task.done(), task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def insert(supabase: Supabase, command: object, payload: object, **columns: str) -> str:
    """A row as a dashboard makes it; `columns` are SQL. Its id."""
    values = {"command": quoted(command), "payload": f"{quoted(json.dumps(payload))}::jsonb"} | columns
    names, expressions = ", ".join(values), ", ".join(values.values())
    found = await supabase.execute(f"insert into public.command_queue ({names}) values ({expressions}) returning id;")
    return found.strip()


def quoted(value: object) -> str:
    return "null" if value is None else "'" + str(value).replace("'", "''") + "'"


Rows = dict[str, dict[str, Any]]


async def settled(supabase: Supabase, holds: Callable[[Rows], bool] | None = None) -> Rows:
    """All commands by id, once none is open any more."""
    rows: Rows = {}

    async def seen() -> bool:
        rows.update({row["id"]: row for row in await supabase.rows("command_queue")})
        done = all(row["status"] in {"completed", "failed"} for row in rows.values())
        return holds(rows) if holds else done

    await supabase.until(seen)
    return rows


async def test_commands_for_what_plays_are_carried_out_in_their_order(supabase: Supabase, remote: Remote) -> None:
    for command, more in (
        ("pause", {}),
        ("resume", {}),
        ("seek", {"position_ms": 1_500}),
        ("volume", {"level": 80}),
        ("skip", {}),
        ("stop", {}),
    ):
        await insert(supabase, command, {"guild_id": "5", **more})
    players = Players("5")
    async with running(remote, players):
        rows = await settled(supabase)
    assert [order.wish for order in players.orders] == ["pause", "resume", Seek(1_500), Volume(80), "skip", "stop"]
    for row in rows.values():
        assert (row["status"], row["error"]) == ("completed", None)
        assert row["started_at"] <= row["finished_at"]


async def test_where_nothing_plays_it_fails_in_words(supabase: Supabase, remote: Remote) -> None:
    await insert(supabase, "pause", {"guild_id": "6"})
    async with running(remote, Players("5", joined=("6",))):
        (row,) = (await settled(supabase)).values()
    assert row["status"] == "failed"
    assert row["error"] == "Nothing is playing here. / ここでは何も再生していません。"


async def test_two_bots_at_the_same_time_carry_a_command_out_once(supabase: Supabase) -> None:
    guilds = [str(number) for number in range(1, 41)]
    crews = [Players(*guilds) for _ in range(4)]
    remotes = [await Remote.open(supabase.url, supabase.service_role_key) for _ in crews]
    for guild_id in guilds:
        await insert(supabase, "skip", {"guild_id": guild_id})
    # All four claim at one moment, again and again; then they run.
    claims = await asyncio.gather(
        *(remote.claim_commands(f"00000000-0000-0000-0000-00000000000{n}", guilds) for n, remote in enumerate(remotes))
    )
    taken = [queued.id for claim in claims for queued in claim.taken]
    assert len(taken) == len(set(taken))
    await supabase.execute("update public.command_queue set status = 'pending'")
    async with running(remotes[0], crews[0]), running(remotes[1], crews[1]), running(remotes[2], crews[2]):
        rows = await settled(supabase)
    assert {row["status"] for row in rows.values()} == {"completed"}
    assert sorted(order.guild_id for crew in crews for order in crew.orders) == sorted(guilds)
    for remote in remotes:
        await remote.aclose()


async def test_another_processs_guild_is_left_to_it(supabase: Supabase, remote: Remote) -> None:
    foreign = await insert(supabase, "pause", {"guild_id": "7"})
    mine = await insert(supabase, "pause", {"guild_id": "5"})
    players = Players("5")
    async with running(remote, players):
        rows = await settled(supabase, lambda rows: rows[mine]["status"] == "completed")
        asked = len(supabase.requests)
        await supabase.until(lambda: len(supabase.requests) >= asked + 4)
        rows = await settled(supabase, lambda rows: True)
    assert rows[foreign]["status"] == "pending"
    assert [order.guild_id for order in players.orders] == ["5"]


async def test_what_is_late_fails_and_is_never_carried_out(supabase: Supabase, remote: Remote) -> None:
    old = [
        await insert(supabase, "pause", {"guild_id": guild}, created_at=when)
        for guild in ("5", "7")
        for when in ("now() - interval '61 seconds'", "now() - interval '5 years'")
    ]
    await supabase.execute("alter table public.command_queue disable trigger stamp_command")
    old.append(await insert(supabase, "pause", {"guild_id": "5"}, created_at="null"))
    stuck = [
        await insert(supabase, "pause", {"guild_id": "5"}, status="'processing'", created_at=created, started_at=at)
        for created, at in (
            ("now()", "now() - interval '61 seconds'"),
            ("now() - interval '61 seconds'", "null"),
            ("null", "null"),
        )
    ]
    busy = await insert(
        supabase, "pause", {"guild_id": "5"}, status="'processing'", created_at="now()", started_at="now()"
    )
    fresh = await insert(supabase, "skip", {"guild_id": "5"}, created_at="now() - interval '50 seconds'")
    players = Players("5")
    async with running(remote, players):
        rows = await settled(supabase, lambda rows: rows[fresh]["status"] == "completed")
    assert [order.wish for order in players.orders] == ["skip"]
    for command_id in old:
        assert rows[command_id]["status"] == "failed"
        assert "within 60 s" in rows[command_id]["error"]
        assert rows[command_id]["finished_at"]
    for command_id in stuck:
        assert rows[command_id]["status"] == "failed"
        assert "did not report back" in rows[command_id]["error"]
    assert rows[busy]["status"] == "processing"


async def test_a_dashboards_clock_that_is_ahead_keeps_nothing_young(supabase: Supabase) -> None:
    await insert(supabase, "pause", {"guild_id": "5"}, created_at="now() + interval '1 hour'")
    assert (await supabase.execute("select created_at <= now() from public.command_queue")).strip() == "t"


@pytest.mark.parametrize(
    ("command", "payload", "said"),
    [
        ("pause", None, "The payload must be an object"),
        ("pause", ["5"], "The payload must be an object"),
        ("pause", "5", "The payload must be an object"),
        ("pause", {"guild_id": 5}, "guild_id must be"),
        ("pause", {"guild_id": 10**400}, "guild_id must be"),
        ("pause", {"guild_id": {"guild_id": "5"}}, "guild_id must be"),
        ("pause", {"guild_id": "5' or '1'='1"}, "guild_id must be"),
        ("pause", {"guild_id": "5", "more": "x" * 5_000}, "too large"),
        ("x" * 5_000, {"guild_id": "5"}, "too large"),
        (None, {"guild_id": "5"}, "no such command"),
        ("'; drop table public.command_queue; --", {"guild_id": "5"}, "no such command"),
        ("seek", {"guild_id": "5", "position_ms": "1:23"}, "position_ms must be"),
        ("volume", {"guild_id": "5", "level": 50.5}, "level must be"),
    ],
)
async def test_a_bad_command_fails_in_words_and_breaks_nothing(
    supabase: Supabase, remote: Remote, command: object, payload: object, said: str
) -> None:
    await insert(supabase, command, payload)
    bare = await supabase.execute("insert into public.command_queue (command) values ('pause') returning id")
    good = await insert(supabase, "pause", {"guild_id": "5"})
    players = Players("5")
    async with running(remote, players):
        rows = await settled(supabase)
    assert [order.wish for order in players.orders] == ["pause"]
    assert rows.pop(good)["status"] == "completed"
    assert "payload must be" in rows.pop(bare.strip())["error"]
    ((_, bad),) = rows.items()
    assert (bad["status"], said in bad["error"]) == ("failed", True), bad


async def test_a_number_longer_than_python_reads_breaks_nothing(supabase: Supabase, remote: Remote) -> None:
    await supabase.execute(
        "insert into public.command_queue (command, payload)"
        """ values ('seek', '{"guild_id": "5", "position_ms": 1e9000}'), ('pause', '{"guild_id": "5"}')"""
    )
    players = Players("5")

    async def statuses() -> bool:
        found = await supabase.execute("select string_agg(status, ' ' order by command) from public.command_queue")
        return found.strip() == "completed failed"

    async with running(remote, players):
        await supabase.until(statuses)
    assert [order.wish for order in players.orders] == ["pause"]


@pytest.mark.parametrize("after_commit", [False, True])
async def test_a_claim_whose_answer_was_lost_is_carried_out_once(
    supabase: Supabase, remote: Remote, after_commit: bool
) -> None:
    await insert(supabase, "skip", {"guild_id": "5"})
    supabase.reset(3, after_commit=after_commit)
    players = Players("5")
    async with running(remote, players):
        (row,) = (await settled(supabase)).values()
    assert row["status"] == "completed"
    assert len(players.orders) == 1


@pytest.mark.parametrize("after_commit", [False, True])
async def test_an_outcome_whose_answer_was_lost_is_told_again(
    supabase: Supabase, remote: Remote, after_commit: bool
) -> None:
    players = Players("5")
    players.gate.clear()
    async with running(remote, players):
        await insert(supabase, "skip", {"guild_id": "5"})
        async with asyncio.timeout(10):
            while not players.orders:
                await asyncio.sleep(0.01)
        supabase.reset(2, after_commit=after_commit)
        players.gate.set()
        (row,) = (await settled(supabase)).values()
    assert (row["status"], row["error"], len(players.orders)) == ("completed", None, 1)


async def test_a_bot_killed_in_mid_command_leaves_it_to_fail(supabase: Supabase, remote: Remote) -> None:
    killed = Players("5")
    killed.gate.clear()
    command = await insert(supabase, "skip", {"guild_id": "5"})
    async with running(remote, killed):
        await settled(supabase, lambda rows: bool(killed.orders))
    again = Players("5")
    other = await insert(supabase, "pause", {"guild_id": "5"})
    async with running(remote, again):
        rows = await settled(supabase, lambda rows: rows[other]["status"] == "completed")
        assert rows[command]["status"] == "processing"
        await supabase.execute("update public.command_queue set started_at = started_at - interval '61 seconds'")
        rows = await settled(supabase)
    assert (rows[command]["status"], rows[other]["status"]) == ("failed", "completed")
    assert [order.wish for order in again.orders] == ["pause"]


async def test_a_guild_that_takes_its_time_holds_up_no_other(supabase: Supabase, remote: Remote) -> None:
    players = Players("5", "6")

    async def carry_out(order: Order) -> None:
        players.orders.append(order)
        if order.guild_id == "5":
            await asyncio.Event().wait()

    players.carry_out = carry_out
    await insert(supabase, "skip", {"guild_id": "5"})
    async with running(remote, players):
        await settled(supabase, lambda rows: bool(players.orders))
        quick = await insert(supabase, "skip", {"guild_id": "6"})
        await settled(supabase, lambda rows: rows[quick]["status"] == "completed")


async def test_a_fault_of_our_own_is_logged_under_the_id_that_the_row_names(
    supabase: Supabase, remote: Remote, caplog: pytest.LogCaptureFixture
) -> None:
    players = Players("5")
    players.fault = RuntimeError("boom")
    command = await insert(supabase, "skip", {"guild_id": "5"})
    async with running(remote, players):
        (row,) = (await settled(supabase)).values()
    assert (row["status"], command in row["error"], "boom" in row["error"]) == ("failed", True, False)
    assert any(command in record.message and record.exc_info for record in caplog.records)


async def test_an_outage_is_waited_for_and_said_once(
    supabase: Supabase, remote: Remote, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bot.commands")
    players = Players("5")
    supabase.answer(503, "<html>down</html>", times=4)
    async with running(remote, players):
        await insert(supabase, "skip", {"guild_id": "5"})
        await settled(supabase)
    assert [record.levelname for record in caplog.records].count("WARNING") == 1
    assert any("taken again" in record.message for record in caplog.records)


async def test_without_the_migration_it_says_so_once_and_goes_on_when_it_is_there(
    supabase: Supabase, remote: Remote, caplog: pytest.LogCaptureFixture
) -> None:
    await supabase.execute("drop function public.claim_commands, public.finish_commands; notify pgrst, 'reload schema'")
    await missing(remote)
    players = Players("5")
    async with running(remote, players):
        asked = len(supabase.requests)
        await supabase.until(lambda: len(supabase.requests) >= asked + 3)
        (warning,) = [record for record in caplog.records if record.name == "bot.commands"]
        assert "claim_commands" in warning.message
        assert "migrations/" in warning.message
        await supabase.apply(MIGRATION)
        await insert(supabase, "pause", {"guild_id": "5"})
        await settled(supabase)
    assert len(players.orders) == 1


async def missing(remote: Remote) -> None:
    """PostgREST has noticed that the function is gone."""
    async with asyncio.timeout(10):
        while True:
            try:
                await remote.claim_commands("00000000-0000-0000-0000-000000000000", [])
            except Paused as fault:
                if "PGRST202" in str(fault):
                    return
            await asyncio.sleep(0.02)


async def test_without_the_table_it_says_so_and_asks_nothing_until_the_database_names_it(
    supabase: Supabase, remote: Remote, caplog: pytest.LogCaptureFixture
) -> None:
    await supabase.execute("drop table public.command_queue cascade")
    await remote.ask_report()
    asked = len(supabase.requests)
    players = Players("5")
    async with running(remote, players):
        with pytest.raises(Paused, match="migrations/"):
            await remote.claim_commands("00000000-0000-0000-0000-000000000000", ["5"])
        assert len(supabase.requests) == asked
        for migration in sorted(MIGRATIONS.glob("*.sql")):
            await supabase.apply(migration)
        await insert(supabase, "pause", {"guild_id": "5"})
        await remote.ask_report()
        await settled(supabase)
    assert len(players.orders) == 1
    (warning,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert "command_queue" in warning.message


async def test_an_empty_database_is_not_asked_for_commands(
    store: Store, postgres: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.replication.replicator.PAUSED_RETRY_SECONDS", 0.1)
    monkeypatch.setattr("services.replication.lane.PAUSED_RETRY_SECONDS", 0.1)
    database = await postgres.create_supabase()
    players = Players("5")
    async with (
        Supabase.on(postgres, database) as empty,
        Replicator(store, empty.url, empty.service_role_key) as replicator,
    ):
        replicator.take_commands(players.carry_out, players.joined.__contains__, lambda: players.live)
        await empty.until(lambda: len(empty.requests) >= 5)
        assert not any("commands" in request.path for request in empty.requests)
        for migration in sorted(MIGRATIONS.glob("*.sql")):
            await empty.apply(migration)
        await insert(empty, "pause", {"guild_id": "5"})
        await settled(empty)
    assert len(players.orders) == 1
    await postgres.drop_database(database)


async def test_the_anon_key_may_neither_claim_nor_finish(supabase: Supabase) -> None:
    remote = await Remote.open(supabase.url, supabase.anon_key)
    with pytest.raises(Paused, match="service role key"):
        await remote.claim_commands("00000000-0000-0000-0000-000000000000", ["5"])
    with pytest.raises(Paused, match="service role key"):
        await remote.finish_commands([])
    await remote.aclose()


class Slow:
    """A remote whose claims take their time; `now` is its clock and the queue's."""

    def __init__(self, *claims: list[QueuedCommand]) -> None:
        self.now = 1_000.0
        self.takes = 0.0
        self.claims = list(claims)
        self.asked_at: list[float] = []
        self.finished: list[Outcome] = []
        self.done = asyncio.Event()
        self.refuses = False

    async def claim_commands(self, claimer: str, guilds: list[str]) -> Claim:
        self.asked_at.append(self.now)
        await asyncio.sleep(0)
        self.now += self.takes
        return Claim(self.claims.pop(0) if self.claims else [], [])

    async def finish_commands(self, outcomes: list[Outcome]) -> None:
        if self.refuses:
            self.refuses = False
            raise Refused("what it is")
        self.finished += outcomes
        self.done.set()


async def test_a_claim_that_took_too_long_is_not_carried_out_late() -> None:
    remote, players = Slow([QueuedCommand("1", "skip", {"guild_id": "5"}, 40.0)]), Players("5")
    remote.takes = 21.0
    queue = CommandQueue(remote, players.carry_out, lambda _: True, lambda: players.live, lambda: remote.now)
    task = asyncio.create_task(queue.run())
    async with asyncio.timeout(5):
        await remote.done.wait()
    task.cancel()
    assert players.orders == []
    assert "Too late" in (remote.finished[0].error or "")


async def test_an_outcome_that_cannot_be_told_does_not_stop_the_queue() -> None:
    skip = QueuedCommand("1", "skip", {"guild_id": "5"}, 0.0)
    pause = QueuedCommand("2", "pause", {"guild_id": "5"}, 0.0)
    remote, players = Slow([skip], [pause]), Players("5")
    remote.refuses = True
    queue = CommandQueue(remote, players.carry_out, lambda _: True, lambda: players.live)
    task = asyncio.create_task(queue.run())
    async with asyncio.timeout(5):
        await remote.done.wait()
    task.cancel()
    assert [outcome.id for outcome in remote.finished] == ["2"]


async def test_it_asks_every_two_seconds_while_something_plays_and_else_every_ten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.undo()  # the real waits, by a clock of the test's own
    remote, players = Slow(), Players()
    queue = CommandQueue(remote, players.carry_out, lambda _: True, lambda: players.live, lambda: remote.now)
    task = asyncio.create_task(queue.run())

    async def pass_by(seconds: float) -> int:
        """So much later; how often it has asked in between."""
        asked = len(remote.asked_at)
        remote.now += seconds
        await asyncio.sleep(0.6)  # it looks at its clock twice a second
        return len(remote.asked_at) - asked

    assert await pass_by(0) == 1
    assert await pass_by(9.5) == 0
    assert await pass_by(0.6) == 1
    players.live.add("5")
    assert await pass_by(1.8) == 0
    assert await pass_by(0.3) == 1
    task.cancel()
