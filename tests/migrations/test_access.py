"""Who gets in: the service key as ever, an older bot's too; the anon and authenticated keys no more."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from postgrest.exceptions import APIError
from supabase import AsyncClient, acreate_client

from sandbox.supabase import MIGRATIONS, PostgreSQL, Supabase

FIELD = Path(__file__).with_name("field.sql")
TABLES = (
    "system_stats",
    "active_sessions",
    "bot_logs",
    "gemini_usage",
    "music_history",
    "command_queue",
    "session_revisions",
    "bot_state",
)
PLAY = {"guild_id": "200", "track_title": "x", "track_url": "u", "duration_ms": 1, "requested_by": "bob"}
SESSION = {"guild_id": "200", "track_title": "x", "position_ms": 0, "duration_ms": 1, "is_playing": True}


@pytest_asyncio.fixture
async def field(postgres: PostgreSQL) -> AsyncIterator[Supabase]:
    """A project in the field before it is migrated, where the anon key may do everything."""
    database = await postgres.create_supabase()
    await postgres.run(FIELD.read_text(), database)
    async with Supabase.on(postgres, database) as project:
        yield project
    await postgres.drop_database(database)


async def migrate(project: Supabase) -> None:
    for migration in sorted(MIGRATIONS.glob("*.sql")):
        await project.apply(migration)


async def old_bot(client: AsyncClient) -> None:
    """Every call of a bot that was written by the guide."""
    await (
        client.table("gemini_usage")
        .insert(
            {
                "guild_id": "200",
                "user_id": "7",
                "prompt_tokens": 1,
                "completion_tokens": 2,
                "total_tokens": 3,
                "model": "gemini-pro",
            }
        )
        .execute()
    )
    await client.table("music_history").insert(PLAY).execute()
    await client.table("active_sessions").upsert(SESSION).execute()
    await client.table("active_sessions").upsert(SESSION | {"position_ms": 5000}).execute()
    stats: dict[str, Any] = {"cpu_usage": 3.2, "ram_rss": 100.5, "ram_heap": 900.25}
    await client.table("system_stats").insert(stats | {"ping_gateway": 40, "ping_lavalink": None}).execute()
    await client.table("bot_logs").insert({"level": "INFO", "message": "Bot started successfully"}).execute()


@pytest.mark.parametrize("kind", ["service_role_key", "secret_key"])
async def test_an_old_bot_with_a_service_key_goes_on_working(field: Supabase, kind: str) -> None:
    await migrate(field)
    client = await acreate_client(field.url, getattr(field, kind))
    await old_bot(client)
    session = (await field.rows("active_sessions", "guild_id = '200'"))[0]
    assert (session["position_ms"], session["revision"], session["speed"]) == (5000, 0, 1)
    play = (await field.rows("music_history", "guild_id = '200'"))[0]
    assert play["event_id"] is not None
    await client.table("active_sessions").delete().eq("guild_id", "200").execute()
    assert await field.rows("active_sessions", "guild_id = '200'") == []


async def test_an_old_bot_with_the_anon_key_is_refused_from_the_migration_on(field: Supabase) -> None:
    client = await acreate_client(field.url, field.anon_key)
    await old_bot(client)
    await migrate(field)
    with pytest.raises(APIError) as refused:
        await client.table("music_history").insert(PLAY).execute()
    assert refused.value.code == "42501"
    assert len(await field.rows("music_history", "guild_id = '200'")) == 1


@pytest.mark.parametrize("role", ["anon", "authenticated"])
@pytest.mark.parametrize("table", TABLES)
async def test_other_roles_may_do_nothing_with_any_table(
    postgres: PostgreSQL, database: str, table: str, role: str
) -> None:
    async with await psycopg.AsyncConnection.connect(postgres.uri(database), autocommit=True) as connection:
        await connection.execute(f"set role {role}".encode())
        for statement in (
            f"select from public.{table}",
            f"insert into public.{table} default values",
            f"update public.{table} set revision = 1",
            f"delete from public.{table}",
            f"truncate public.{table}",
        ):
            if table == "command_queue" and "revision" in statement:
                continue
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await connection.execute(statement.encode())


@pytest.mark.parametrize("role", ["anon", "authenticated"])
async def test_other_roles_may_not_call_apply_sessions(postgres: PostgreSQL, database: str, role: str) -> None:
    async with await psycopg.AsyncConnection.connect(postgres.uri(database), autocommit=True) as connection:
        await connection.execute(f"set role {role}".encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="function apply_sessions"):
            await connection.execute("select * from public.apply_sessions('[]')")


async def test_the_anon_key_is_refused_by_rest(supabase: Supabase) -> None:
    client = await acreate_client(supabase.url, supabase.anon_key)
    for call in (
        client.table("music_history").select("*"),
        client.table("music_history").insert(PLAY),
        client.table("active_sessions").upsert(SESSION),
        client.table("active_sessions").delete().eq("guild_id", "200"),
        client.rpc("apply_sessions", {"items": []}),
        client.rpc("schema_report", {}),
    ):
        with pytest.raises(APIError) as refused:
            await call.execute()
        assert refused.value.code == "42501"


async def test_row_level_security_holds_even_where_a_right_was_given_back(supabase: Supabase) -> None:
    await supabase.execute("""
        insert into public.music_history (guild_id) values ('100');
        grant select, insert on public.music_history to anon;
    """)
    client = await acreate_client(supabase.url, supabase.anon_key)
    assert (await client.table("music_history").select("*").execute()).data == []
    with pytest.raises(APIError) as refused:
        await client.table("music_history").insert(PLAY).execute()
    assert refused.value.code == "42501"
