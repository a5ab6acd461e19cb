"""Who gets in: the service key as ever; the anon and authenticated keys no more."""

from __future__ import annotations

import psycopg
import pytest
from postgrest.exceptions import APIError
from supabase import acreate_client

from sandbox.supabase import PostgreSQL, Supabase
from tests.migrations.databases import NOW, TABLES

PLAY = {"guild_id": "200", "track_title": "x", "track_url": "u", "duration_ms": 1, "requested_by": "bob"}
SESSION = {"guild_id": "200", "track_title": "x", "position_ms": 0, "duration_ms": 1, "is_playing": True}


RIGHTS = "select, insert, update, delete, truncate, references, trigger"


@pytest.mark.parametrize("role", ["anon", "authenticated"])
async def test_other_roles_may_do_nothing_with_any_table(postgres: PostgreSQL, database: str, role: str) -> None:
    async with await psycopg.AsyncConnection.connect(postgres.uri(database)) as connection:
        for table in (*TABLES, NOW):
            place = f"public.{table}"
            cursor = await connection.execute(
                "select has_table_privilege(%s, %s, %s), "
                "has_any_column_privilege(%s, %s, 'select, insert, update, references')",
                [role, place, RIGHTS, role, place],
            )
            assert await cursor.fetchone() == (False, False), table
        await connection.execute(f"set role {role}".encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await connection.execute("select from public.active_sessions_now")


@pytest.mark.parametrize("role", ["anon", "authenticated"])
@pytest.mark.parametrize("call", ["apply_sessions('[]')", "sweep_sessions()", "remove_old_rows()"])
async def test_other_roles_may_call_nothing(postgres: PostgreSQL, database: str, role: str, call: str) -> None:
    async with await psycopg.AsyncConnection.connect(postgres.uri(database), autocommit=True) as connection:
        await connection.execute(f"set role {role}".encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied for function"):
            await connection.execute(f"select * from public.{call}".encode())


async def test_the_anon_key_is_refused_by_rest(supabase: Supabase) -> None:
    client = await acreate_client(supabase.url, supabase.anon_key)
    for call in (
        client.table("music_history").select("*"),
        client.table("music_history").insert(PLAY),
        client.table("active_sessions").upsert(SESSION),
        client.table("active_sessions").delete().eq("guild_id", "200"),
        client.table(NOW).select("*"),
        client.rpc("apply_sessions", {"items": []}),
        client.rpc("remove_old_rows", {}),
        client.rpc("schema_report", {}),
    ):
        with pytest.raises(APIError) as refused:
            await call.execute()
        assert refused.value.code == "42501"


async def test_row_level_security_holds_even_where_a_right_was_given_back(supabase: Supabase) -> None:
    await supabase.execute("""
        insert into public.music_history (guild_id) values ('100');
        insert into public.active_sessions (guild_id) values ('100');
        grant select, insert on public.music_history to anon;
        grant select on public.active_sessions, public.active_sessions_now to anon;
    """)
    client = await acreate_client(supabase.url, supabase.anon_key)
    for table in ("music_history", "active_sessions", NOW):
        assert (await client.table(table).select("*").execute()).data == []
    with pytest.raises(APIError) as refused:
        await client.table("music_history").insert(PLAY).execute()
    assert refused.value.code == "42501"
