"""A stale update never overwrites a newer one, and a stopped session never comes back."""

from __future__ import annotations

import json

import psycopg
import pytest
from supabase import acreate_client

from sandbox.supabase import Supabase
from tests.migrations.calls import apply, item, sessions
from tests.migrations.conftest import Connect

LIMIT = 9007199254740991


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


async def test_a_row_that_was_given_a_higher_revision_is_named_and_can_be_superseded(connect: Connect) -> None:
    connection = await connect()
    await connection.execute("insert into public.active_sessions (guild_id, revision) values ('100', 8), ('200', 8)")
    await apply(connection, item(5, guild_id="300"))
    batch = (item(7), item(7, guild_id="200", deleted=True), item(7, guild_id="300"))
    assert await apply(connection, *batch) == {("100", 8, False), ("200", 8, False), ("300", 7, True)}
    assert await sessions(connection) == {"100": 8, "200": 8, "300": 7}
    await apply(connection, item(9), item(9, guild_id="200", deleted=True))
    assert await sessions(connection) == {"100": 9, "300": 7}


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
