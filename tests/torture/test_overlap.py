"""Requests that overlap: whatever waits for what, the newest revision is what remains."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Callable
from itertools import product
from typing import Any, cast

import psycopg
import pytest

from tests.migrations.calls import KEYS, ONE_STATEMENT, apply, held_open, item, sessions, upsert
from tests.migrations.conftest import Connect, Connection
from tests.torture.conftest import FULL

CLIENTS = 12
BATCHES = 5_000 if FULL else 240
GUILDS = [str(number) for number in range(30)]
Shown = Callable[..., None]
Pair = tuple[bool, bool, bool, bool]
PAIRS: list[Pair] = [(a, b, c, d) for a, b, c, d in product([False, True], repeat=4)]
"""Whether a row is there, the second one is newer, the first deletes, the second deletes."""
CONTENT = {
    "music_history": ("requested_by", "alice", "bob"),
    "gemini_usage": ("user_id", "7", "8"),
    "bot_logs": ("message", "one", "two"),
    "system_stats": ("ping_gateway", 41, 42),
    "bot_state": ("value", {"volume": 1}, {"volume": 2}),
}
"""A column of each table, and two values. A person's deletion of a keyed row is a revision with nulls."""


async def race_of_sessions(connect: Connect, pair: Pair) -> tuple[dict[str, int], dict[str, int]]:
    """What is there after two overlapping calls, and what has to be."""
    there, second_is_newer, first_deletes, second_deletes = pair
    setup = await connect()
    await setup.execute("truncate public.active_sessions, public.session_revisions")
    if there:
        await apply(setup, item(1))
    first = item(5 if second_is_newer else 10, deleted=first_deletes)
    second = item(10 if second_is_newer else 5, deleted=second_deletes)
    newest = second if second_is_newer else first
    async with held_open(connect) as (holder, follower):
        await apply(holder, first)
        await apply(follower, second)
    return await sessions(setup), {} if newest["deleted"] else {"100": 10}


async def test_the_newer_of_two_overlapping_sessions_wins(connect: Connect) -> None:
    races = {pair: await race_of_sessions(connect, pair) for pair in PAIRS}
    assert {pair: found for pair, (found, _) in races.items()} == {pair: right for pair, (_, right) in races.items()}


async def test_the_race_finds_the_ghost_of_a_single_statement(connect: Connect) -> None:
    """A positive control: as one statement, the delete misses the row that is just being inserted."""
    await (await connect()).execute(ONE_STATEMENT)
    races = {pair: await race_of_sessions(connect, pair) for pair in PAIRS}
    assert [pair for pair, (found, right) in races.items() if found != right] == [(False, True, False, True)]


async def race_of_rows(connect: Connect, table: str, pair: Pair) -> tuple[Any, Any]:
    """The column's value after two overlapping upserts, and what it has to be."""
    there, second_is_newer, first_deletes, second_deletes = pair
    key, (column, one, two) = str(uuid.uuid4()), CONTENT[table]

    def version(revision: int, value: object) -> dict[str, Any]:
        return {KEYS[table]: key, "revision": revision, column: value}

    first = version(5 if second_is_newer else 10, None if first_deletes else one)
    second = version(10 if second_is_newer else 5, None if second_deletes else two)
    newest = second if second_is_newer else first
    setup = await connect()
    if there:
        await upsert(setup, table, version(1, one))
    async with held_open(connect) as (holder, follower):
        await upsert(holder, table, first)
        await upsert(follower, table, second)
    cursor = await setup.execute(
        f"select revision, {column} from public.{table} where {KEYS[table]} = %s".encode(), [key]
    )
    return await cursor.fetchall(), [(10, newest[column])]


@pytest.mark.parametrize("table", KEYS)
async def test_the_newer_of_two_overlapping_rows_wins(connect: Connect, table: str) -> None:
    races = {pair: await race_of_rows(connect, table, pair) for pair in PAIRS}
    assert {pair: found for pair, (found, _) in races.items()} == {pair: right for pair, (_, right) in races.items()}


async def test_the_race_finds_a_table_without_its_trigger(connect: Connect) -> None:
    """A positive control: wherever the second one is older, it would win."""
    await (await connect()).execute("drop trigger drop_stale_row on public.music_history")
    races = {pair: await race_of_rows(connect, "music_history", pair) for pair in PAIRS}
    wrong = [pair for pair, (found, right) in races.items() if found != right]
    assert wrong == [pair for pair in PAIRS if not pair[1]]


@pytest.mark.parametrize("row_is_there", [False, True])
async def test_a_row_that_is_just_being_removed_by_age_comes_back_whole(connect: Connect, row_is_there: bool) -> None:
    """An upsert that waits for a deletion inserts; a deletion never leaves half a row."""
    key = str(uuid.uuid4())
    setup = await connect()
    if row_is_there:
        await upsert(setup, "music_history", {"event_id": key, "revision": 1, "requested_by": "alice"})
    newer = {"event_id": key, "revision": 5, "requested_by": "bob"}
    if row_is_there:
        async with held_open(connect) as (holder, follower):
            await holder.execute("delete from public.music_history")
            await upsert(follower, "music_history", newer)
    else:
        await upsert(setup, "music_history", newer)
    cursor = await setup.execute("select revision, requested_by from public.music_history")
    assert await cursor.fetchall() == [(5, "bob")]


Batches = list[list[dict[str, Any]]]


async def drain(connection: Connection, batches: Batches, table: str | None, lost: Batches) -> int:
    """Send batches until none is left; how often this was a deadlock's victim, whose batch goes to `lost`."""
    # The default of 1 s would make every deadlock cost a second.
    await connection.execute("set deadlock_timeout = '20ms'")
    deadlocks = 0
    while batches:
        batch = batches.pop()
        try:
            await (upsert(connection, table, *batch) if table else apply(connection, *batch))
        except psycopg.errors.DeadlockDetected:
            deadlocks += 1
            lost.append(batch)
    return deadlocks


async def from_all_sides(connect: Connect, batches: Batches, table: str | None = None, *, retry: bool = True) -> int:
    """Send the batches by twelve connections at once; how many deadlocks that made."""
    clients = [await connect() for _ in range(CLIENTS)]
    lost = batches if retry else []
    return sum(await asyncio.gather(*(drain(client, batches, table, lost) for client in clients)))


def session_batches(seed: int) -> tuple[Batches, dict[str, int]]:
    """Overlapping batches in no order, and what has to be there after them."""
    shuffle = random.Random(seed)
    newest: dict[str, tuple[int, bool]] = {}
    batches: Batches = []
    for revision in range(1, BATCHES + 1):
        chosen, deleted = shuffle.sample(GUILDS, 20), shuffle.random() < 0.3
        batches.append([item(revision, guild_id=guild, deleted=deleted) for guild in chosen])
        newest |= dict.fromkeys(chosen, (revision, deleted))
    shuffle.shuffle(batches)
    return batches, {guild: revision for guild, (revision, deleted) in newest.items() if not deleted}


async def test_overlapping_batches_of_sessions_never_deadlock(connect: Connect, seed: int, shown: Shown) -> None:
    batches, expected = session_batches(seed)
    deadlocks = await from_all_sides(connect, batches)
    shown(batches=BATCHES, deadlocks=deadlocks)
    assert deadlocks == 0
    assert await sessions(await connect()) == expected


async def test_claims_in_no_order_would_deadlock(connect: Connect, seed: int) -> None:
    """A positive control: the order of the claim is what keeps two calls from waiting for each other."""
    connection = await connect()
    cursor = await connection.execute("select pg_get_functiondef('public.apply_sessions'::regproc)")
    (definition,) = cast(tuple[str], await cursor.fetchone())
    disordered = definition.replace("order by newest.guild_id", "order by random()")
    assert disordered != definition
    await connection.execute(disordered.encode())
    batches, _ = session_batches(seed)
    assert await from_all_sides(connect, batches[:36], retry=False) > 0


async def test_overlapping_batches_of_rows_end_right(connect: Connect, seed: int, shown: Shown) -> None:
    """Sorted by key, as the bot sends them; a deadlock may come, is told as 40P01, and the batch is sent again."""
    shuffle = random.Random(seed)
    keys = [str(uuid.UUID(int=shuffle.getrandbits(128), version=4)) for _ in range(30)]
    newest: dict[str, int] = {}
    batches: Batches = []
    for revision in range(1, BATCHES + 1):
        chosen = sorted(shuffle.sample(keys, 20))
        batches.append([{"event_id": key, "revision": revision, "track_title": f"title {revision}"} for key in chosen])
        newest |= dict.fromkeys(chosen, revision)
    shuffle.shuffle(batches)
    shown(batches=BATCHES, deadlocks=await from_all_sides(connect, batches, "music_history"))
    cursor = await (await connect()).execute("select event_id::text, revision, track_title from public.music_history")
    assert {key: (revision, title) for key, revision, title in await cursor.fetchall()} == {
        key: (revision, f"title {revision}") for key, revision in newest.items()
    }
