"""`claim_commands` and `finish_commands`: who may call them, and that two callers never get the same command."""

from __future__ import annotations

from typing import Any

import psycopg.types.json
import pytest

from tests.migrations.conftest import Connect, Connection

FIRST, SECOND = "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"
FUNCTIONS = ("claim_commands(uuid, text[])", "finish_commands(jsonb)", "stamp_command()")


async def ask(connection: Connection, guild_id: str = "5") -> None:
    await connection.execute(
        "insert into public.command_queue (command, payload)"
        " values ('pause', jsonb_build_object('guild_id', %s::text))",
        (guild_id,),
    )


async def claim(connection: Connection, claimer: str, *guilds: str) -> tuple[list[Any], list[str]]:
    """(id, command, payload) of what was taken, and the guilds that others are asked for."""
    cursor = await connection.execute(
        "select id, command, payload, asked from public.claim_commands(%s::uuid, %s::text[])", (claimer, list(guilds))
    )
    rows = await cursor.fetchall()
    return [row[:3] for row in rows if row[0]], [row[3] for row in rows if row[3]]


async def test_a_command_that_another_call_is_just_claiming_is_passed_over(connect: Connect) -> None:
    first, second = await connect(), await connect()
    await ask(first)
    await second.execute("set lock_timeout = '1s'")
    async with first.transaction():
        assert len((await claim(first, FIRST, "5"))[0]) == 1
        assert (await claim(second, SECOND, "5"))[0] == []
    assert await claim(second, SECOND, "5") == ([], [])
    assert len((await claim(first, FIRST, "5"))[0]) == 1


async def test_a_claim_that_is_undone_leaves_the_command_to_the_next(connect: Connect) -> None:
    first, second = await connect(), await connect()
    await ask(first)
    async with first.transaction(force_rollback=True):
        await claim(first, FIRST, "5")
    assert len((await claim(second, SECOND, "5"))[0]) == 1


async def test_what_others_are_asked_for_is_named_once_and_left(connect: Connect) -> None:
    connection = await connect()
    for guild_id in ("5", "6", "7", "7"):
        await ask(connection, guild_id)
    taken, asked = await claim(connection, FIRST, "5")
    assert [payload for _, _, payload in taken] == [{"guild_id": "5"}]
    assert sorted(asked) == ["6", "7"]


async def test_a_flood_comes_in_parts_oldest_first(connect: Connect) -> None:
    connection = await connect()
    await connection.execute(
        "insert into public.command_queue (command, payload, created_at)"
        """ select number::text, '{"guild_id": "5"}', now() - make_interval(secs => number / 10.0)"""
        " from generate_series(1, 150) as number"
    )
    taken = [command for claimer in (FIRST, SECOND) for _, command, _ in (await claim(connection, claimer, "5"))[0]]
    assert taken == [str(number) for number in range(150, 0, -1)]


async def test_late_commands_are_failed_in_parts_and_none_of_them_is_given_out(connect: Connect) -> None:
    connection = await connect()
    await connection.execute(
        "insert into public.command_queue (command, payload, created_at)"
        """ select 'pause', '{"guild_id": "5"}', now() - interval '61 seconds' from generate_series(1, 1500)"""
    )
    for left in (500, 0):
        assert await claim(connection, FIRST, "5") == ([], [])
        cursor = await connection.execute("select count(*) from public.command_queue where status = 'pending'")
        assert await cursor.fetchone() == (left,)


async def test_only_what_is_being_processed_can_be_finished(connect: Connect) -> None:
    connection = await connect()
    for _ in range(3):
        await ask(connection)
    command_ids = [str(command_id) for command_id, _, _ in (await claim(connection, FIRST, "5"))[0]]
    for status, error in (("completed", None), ("failed", "too late")):
        items = [{"id": command_ids[0], "status": status, "error": error}]
        await connection.execute("select public.finish_commands(%s)", (psycopg.types.json.Jsonb(items),))
    items = [{"id": command_ids[1], "status": "pending", "error": None}]
    await connection.execute("select public.finish_commands(%s)", (psycopg.types.json.Jsonb(items),))
    cursor = await connection.execute(
        "select status, error, finished_at is not null from public.command_queue order by status"
    )
    assert await cursor.fetchall() == [("completed", None, True), *[("processing", None, False)] * 2]


@pytest.mark.parametrize("function", FUNCTIONS)
async def test_only_the_service_key_may_call_them(connect: Connect, function: str) -> None:
    connection = await connect()
    roles = ("anon", "authenticated", "service_role")
    may: list[bool] = []
    for role in roles:
        cursor = await connection.execute(
            "select has_function_privilege(%s, %s, 'execute')", (role, f"public.{function}")
        )
        (allowed,) = await cursor.fetchone() or (None,)
        may.append(bool(allowed))
    assert may == [False, False, function != "stamp_command()"]


async def test_a_dashboard_that_may_only_insert_needs_no_right_to_the_trigger(connect: Connect) -> None:
    connection = await connect()
    await connection.execute(
        "grant insert on public.command_queue to anon;"
        " create policy asks on public.command_queue for insert to anon with check (status = 'pending')"
    )
    await connection.execute("set role anon")
    await connection.execute(
        """insert into public.command_queue (command, payload) values ('skip', '{"guild_id": "5"}')"""
    )
