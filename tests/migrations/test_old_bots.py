"""Older bots, as the guide had them written: with a service key they go on, with the anon key they are refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from postgrest.exceptions import APIError
from supabase import AsyncClient, acreate_client

from sandbox.supabase import MIGRATIONS, PostgreSQL, Supabase
from tests.migrations.calls import item
from tests.migrations.databases import DASHBOARD_READ, FIELD, LISTENED, schema
from tests.real_parts import MIGRATED

PLAY = {"guild_id": "200", "track_title": "x", "track_url": "u", "duration_ms": 1, "requested_by": "bob"}
SESSION = {"guild_id": "200", "track_title": "x", "position_ms": 0, "duration_ms": 1, "is_playing": True}
USAGE = {"guild_id": "200", "user_id": "7", "prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
STATS: dict[str, Any] = {"cpu_usage": 3.2, "ram_rss": 100.5, "ram_heap": 900.25, "ping_gateway": 40}


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
    """Every call of a bot that was written by the guide, but for the deletion of its session."""
    await client.table("gemini_usage").insert(USAGE | {"model": "gemini-pro"}).execute()
    await client.table("music_history").insert(PLAY).execute()
    await client.table("active_sessions").upsert(SESSION).execute()
    await client.table("active_sessions").upsert(SESSION | {"position_ms": 5000}).execute()
    await client.table("system_stats").insert(STATS | {"ping_lavalink": None}).execute()
    await client.table("bot_logs").insert({"level": "INFO", "message": "Bot started successfully"}).execute()


async def stop(client: AsyncClient) -> None:
    """What such a bot does when the music stops."""
    await client.table("active_sessions").delete().eq("guild_id", "200").execute()


@pytest.mark.parametrize("kind", ["service_role_key", "secret_key"])
async def test_an_old_bot_with_a_service_key_goes_on_working(field: Supabase, kind: str) -> None:
    await migrate(field)
    client = await acreate_client(field.url, getattr(field, kind))
    await old_bot(client)
    session = (await field.rows("active_sessions", "guild_id = '200'"))[0]
    assert (session["position_ms"], session["revision"], session["speed"]) == (5000, 0, 1)
    play = (await field.rows("music_history", "guild_id = '200'"))[0]
    assert play["event_id"] is not None
    await stop(client)
    assert await field.rows("active_sessions", "guild_id = '200'") == []


async def test_an_old_bot_with_the_anon_key_is_refused_from_the_migration_on(field: Supabase) -> None:
    client = await acreate_client(field.url, field.anon_key)
    await old_bot(client)
    await migrate(field)
    for call in (
        client.table("music_history").insert(PLAY),
        client.table("active_sessions").upsert(SESSION),
        client.table("active_sessions").delete().eq("guild_id", "200"),
        client.table("bot_logs").insert({"level": "INFO", "message": "x"}),
    ):
        with pytest.raises(APIError) as refused:
            await call.execute()
        assert refused.value.code == "42501"
    assert len(await field.rows("music_history", "guild_id = '200'")) == 1
    assert len(await field.rows("active_sessions", "guild_id = '200'")) == 1


async def said_by_the_migrations(postgres: PostgreSQL, project: Supabase) -> str:
    said: list[str] = []
    async with await psycopg.AsyncConnection.connect(project.dsn, autocommit=True) as editor:
        editor.add_notice_handler(lambda notice: said.append(notice.message_primary or ""))
        for migration in sorted(MIGRATIONS.glob("*.sql")):
            await editor.execute(migration.read_bytes())
    return "\n".join(said)


async def test_the_migration_says_who_is_refused_from_now_on(postgres: PostgreSQL, field: Supabase) -> None:
    said = await said_by_the_migrations(postgres, field)
    assert "a bot with the anon key is refused" in said
    assert "anon キーの Bot は拒否されます" in said
    assert "blank until opt-in/dashboard_read.sql is applied" in said
    assert "opt-in/dashboard_read.sql を適用するまで何も表示しません" in said
    await field.apply(DASHBOARD_READ)
    said = await said_by_the_migrations(postgres, field)
    assert "a bot with the anon key is refused" in said
    assert "blank" not in said


async def test_an_old_bots_upsert_dates_its_row(supabase: Supabase) -> None:
    """It never wrote `updated_at`; a position without its time would be worth nothing."""
    client = await acreate_client(supabase.url, supabase.service_role_key)
    await client.table("active_sessions").upsert(SESSION).execute()
    for again in (SESSION, SESSION | {"track_title": "next"}):
        await supabase.execute("alter table public.active_sessions disable trigger user")
        await supabase.execute("update public.active_sessions set updated_at = now() - interval '1 hour'")
        await supabase.execute("alter table public.active_sessions enable trigger user")
        await client.table("active_sessions").upsert(again).execute()
        recent = await supabase.rows("active_sessions", "updated_at > now() - interval '1 minute'")
        assert [row["track_title"] for row in recent] == [again["track_title"]]


async def test_an_old_bot_beside_ours_in_one_guild_cannot_stop_our_next_version(supabase: Supabase) -> None:
    """Two bots in a guild share the row: the last one to write shows, and ours is never locked out."""
    client = await acreate_client(supabase.url, supabase.service_role_key)

    async def ours(revision: int, *, deleted: bool = False) -> None:
        sent = item(revision, guild_id="200", deleted=deleted)
        answer = await client.rpc("apply_sessions", {"items": [sent]}).execute()
        assert answer.data == [{"guild_id": "200", "revision": revision, "applied": True}]

    async def shown() -> list[tuple[str, int]]:
        return [(row["track_title"], row["revision"]) for row in await supabase.rows("active_sessions")]

    await ours(5)
    await client.table("active_sessions").upsert(SESSION).execute()
    assert await shown() == [("x", 5)]
    await ours(6)
    assert await shown() == [("title 6", 6)]
    await stop(client)
    assert await shown() == []
    await ours(7)
    assert await shown() == [("title 7", 7)]
    await ours(8, deleted=True)
    await client.table("active_sessions").upsert(SESSION).execute()
    assert await shown() == [("x", 0)]
    await ours(9)
    assert await shown() == [("title 9", 9)]


async def test_an_old_bot_writes_on_while_its_database_is_migrated(postgres: PostgreSQL, field: Supabase) -> None:
    client = await acreate_client(field.url, field.service_role_key)
    done = asyncio.Event()
    rounds = 0

    async def counts() -> dict[str, int]:
        return {table: len(await field.rows(table)) for table in LISTENED}

    async def write() -> None:
        nonlocal rounds
        while not done.is_set():
            await old_bot(client)
            await stop(client)
            rounds += 1

    before = await counts()
    writing = asyncio.create_task(write())
    try:
        await migrate(field)
        await migrate(field)
    finally:
        done.set()
        await writing
    assert rounds > 0
    added: dict[str, int] = dict.fromkeys(("gemini_usage", "music_history", "system_stats", "bot_logs"), rounds)
    assert await counts() == {table: number + added.get(table, 0) for table, number in before.items()}
    database = field.dsn.rpartition("@/")[2].partition("?")[0]
    assert await schema(postgres, database) == await schema(postgres, MIGRATED)
