"""A stale update never overwrites a newer one, and a stopped session never comes back."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

import psycopg
import pytest
from supabase import acreate_client

from sandbox.supabase import Supabase
from tests.migrations.conftest import Connect, Connection

LIMIT = 9007199254740991

ONE_STATEMENT = """
create or replace function public.apply_sessions(items jsonb)
returns table (guild_id text, revision bigint, applied boolean) language sql as $$
    with item as (
        select * from jsonb_to_recordset(items) as item (guild_id text, revision bigint, deleted boolean)
    ), claim as (
        insert into public.session_revisions as known (guild_id, revision)
        select item.guild_id, item.revision from item
        on conflict (guild_id) do update set revision = excluded.revision
            where known.revision < excluded.revision
        returning known.guild_id
    ), gone as (
        delete from public.active_sessions as session using claim join item using (guild_id)
        where item.deleted and session.guild_id = item.guild_id
    )
    insert into public.active_sessions as session (guild_id, revision)
    select item.guild_id, item.revision from claim join item using (guild_id) where not item.deleted
    on conflict (guild_id) do update set revision = excluded.revision
    returning session.guild_id, session.revision, true
$$;
"""


def item(revision: int, *, deleted: bool = False, guild_id: str = "100", **more: Any) -> dict[str, Any]:
    return {
        "guild_id": guild_id,
        "revision": revision,
        "deleted": deleted,
        "track_title": f"title {revision}",
        "position_ms": revision,
        "duration_ms": 200000,
        "is_playing": True,
        "speed": 1.25,
        "application_id": "9",
        "updated_at": "2026-11-22T10:00:00+00:00",
    } | more


async def apply(connection: Connection, *items: dict[str, Any]) -> set[tuple[str, int, bool]]:
    cursor = await connection.execute("select * from public.apply_sessions(%s)", [json.dumps(items)])
    return set(await cursor.fetchall())  # pyright: ignore[reportReturnType] a row's types come from the database


async def sessions(connection: Connection) -> dict[str, int]:
    cursor = await connection.execute("select guild_id, revision from public.active_sessions")
    return dict(await cursor.fetchall())


async def test_a_session_travels_whole_through_the_client(supabase: Supabase) -> None:
    client = await acreate_client(supabase.url, supabase.service_role_key)
    answer = await client.rpc("apply_sessions", {"items": [item(5)]}).execute()
    assert answer.data == [{"guild_id": "100", "revision": 5, "applied": True}]
    row = {key: value for key, value in item(5).items() if key != "deleted"}
    assert await supabase.rows("active_sessions") == [row]


async def test_a_stale_update_is_dropped_and_the_answer_names_the_newer_revision(connect: Connect) -> None:
    connection = await connect()
    assert await apply(connection, item(5)) == {("100", 5, True)}
    assert await apply(connection, item(4)) == {("100", 5, False)}
    assert await apply(connection, item(5)) == {("100", 5, False)}
    assert await sessions(connection) == {"100": 5}


async def test_a_stopped_session_comes_back_only_with_a_newer_revision(connect: Connect) -> None:
    connection = await connect()
    await apply(connection, item(5))
    assert await apply(connection, item(6, deleted=True)) == {("100", 6, True)}
    assert await sessions(connection) == {}
    assert await apply(connection, item(5)) == {("100", 6, False)}
    assert await sessions(connection) == {}
    assert await apply(connection, item(7)) == {("100", 7, True)}
    assert await sessions(connection) == {"100": 7}


async def test_a_stale_delete_does_not_remove_a_newer_session(connect: Connect) -> None:
    connection = await connect()
    await apply(connection, item(5))
    assert await apply(connection, item(4, deleted=True)) == {("100", 5, False)}
    assert await sessions(connection) == {"100": 5}


async def test_the_newest_of_a_guilds_items_counts(connect: Connect) -> None:
    connection = await connect()
    batch = [item(3), item(5, deleted=True), item(4), item(2, guild_id="200"), item(9, guild_id="200")]
    assert await apply(connection, *batch) == {("100", 5, True), ("200", 9, True)}
    assert await sessions(connection) == {"200": 9}


async def test_an_older_bots_row_can_be_taken_over_and_removed(connect: Connect) -> None:
    connection = await connect()
    await connection.execute("insert into public.active_sessions (guild_id) values ('100'), ('200')")
    await apply(connection, item(1), item(1, guild_id="200", deleted=True))
    assert await sessions(connection) == {"100": 1}


@pytest.mark.parametrize(
    "items",
    [
        "{}",
        "5",
        "[5]",
        '["100"]',
        "[[]]",
        "[null]",
        json.dumps([item(1, guild_id=None)]),  # pyright: ignore[reportArgumentType] what is wrong is the point
        json.dumps([item(1) | {"revision": None}]),
        json.dumps([item(1) | {"revision": "new"}]),
        json.dumps([item(1) | {"revision": 1.5}]),
        json.dumps([item(1) | {"revision": 10**30}]),
        json.dumps([item(LIMIT + 1)]),
        json.dumps([item(-1)]),
        json.dumps([item(1, position_ms="far")]),
        json.dumps([item(1, updated_at="yesterday-ish")]),
        json.dumps([item(1) | {"deleted": "perhaps"}]),
        json.dumps([item(1, speed="1e999")]),
        json.dumps([item(1, track_title="\0")]),
    ],
)
async def test_what_is_wrong_with_an_item_accuses_the_item(connect: Connect, items: str) -> None:
    connection = await connect()
    with pytest.raises(psycopg.Error) as refused:
        await connection.execute("select * from public.apply_sessions(%s)", [items])
    assert (refused.value.sqlstate or "")[:2] in {"22", "23"}
    assert await sessions(connection) == {}


async def until_blocked(watcher: Connection, pid: int) -> None:
    while True:
        cursor = await watcher.execute("select pg_blocking_pids(%s) <> '{}'", [pid])
        if await cursor.fetchone() == (True,):
            return
        await asyncio.sleep(0.005)


async def race(connect: Connect, held: dict[str, Any], second: dict[str, Any]) -> dict[str, int]:
    """The first call is held open before its commit until the second one waits for it."""
    holder, follower, watcher = await connect(), await connect(), await connect()
    async with holder.transaction():
        await apply(holder, held)
        following = asyncio.create_task(apply(follower, second))
        await until_blocked(watcher, follower.info.backend_pid)
    await following
    return await sessions(watcher)


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("second_is_newer", [True, False])
@pytest.mark.parametrize(
    ("first_deletes", "second_deletes"), [(False, False), (False, True), (True, False), (True, True)]
)
async def test_the_newer_of_two_overlapping_calls_wins(
    connect: Connect, there: bool, second_is_newer: bool, first_deletes: bool, second_deletes: bool
) -> None:
    if there:
        await apply(await connect(), item(1))
    first = item(10 if not second_is_newer else 5, deleted=first_deletes)
    second = item(10 if second_is_newer else 5, deleted=second_deletes)
    newest = second if second_is_newer else first
    assert await race(connect, first, second) == ({} if newest["deleted"] else {"100": 10})


async def test_the_race_would_find_the_ghost_of_a_single_statement(connect: Connect) -> None:
    """A positive control: as one statement, the delete misses the row that is just being inserted."""
    connection = await connect()
    await connection.execute(ONE_STATEMENT)
    assert await race(connect, item(5), item(10, deleted=True)) == {"100": 5}


async def test_overlapping_batches_in_any_order_do_not_deadlock(connect: Connect) -> None:
    shuffle = random.Random(20261122)
    guilds = [str(number) for number in range(30)]
    newest: dict[str, tuple[int, bool]] = {}
    batches: list[list[dict[str, Any]]] = []
    for revision in range(1, 121):
        chosen = shuffle.sample(guilds, 20)
        deleted = shuffle.random() < 0.3
        batches.append([item(revision, guild_id=guild, deleted=deleted) for guild in chosen])
        newest |= dict.fromkeys(chosen, (revision, deleted))
    shuffle.shuffle(batches)

    async def client() -> None:
        connection = await connect()
        while batches:
            await apply(connection, *batches.pop())

    async with asyncio.TaskGroup() as clients:
        for _ in range(6):
            clients.create_task(client())
    expected = {guild: revision for guild, (revision, deleted) in newest.items() if not deleted}
    assert await sessions(await connect()) == expected
