"""Every database ends up with the same schema, whatever it was before, and keeps its rows."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio

from sandbox.supabase import MIGRATIONS, PostgreSQL, SQLError
from tests.real_parts import MIGRATED

FIELD = Path(__file__).with_name("field.sql")
SCHEMA = Path(__file__).with_name("schema.sql")
TABLES = ("system_stats", "active_sessions", "bot_logs", "gemini_usage", "music_history", "command_queue")

Schema = dict[str, list[str] | None]


async def migrate(cluster: PostgreSQL, database: str) -> None:
    for migration in sorted(MIGRATIONS.glob("*.sql")):
        await cluster.run(migration.read_text(), database)


async def schema(cluster: PostgreSQL, database: str) -> Schema:
    return json.loads(await cluster.run(SCHEMA.read_text(), database))


async def count(cluster: PostgreSQL, database: str, table: str) -> int:
    return int(await cluster.run(f"select count(*) from public.{table}", database))


@pytest_asyncio.fixture
async def field(postgres: PostgreSQL) -> AsyncIterator[str]:
    name = await postgres.create_supabase()
    await postgres.run(FIELD.read_text(), name)
    yield name
    await postgres.drop_database(name)


@pytest_asyncio.fixture
async def empty(postgres: PostgreSQL) -> AsyncIterator[str]:
    name = await postgres.create_supabase()
    yield name
    await postgres.drop_database(name)


async def test_an_old_database_and_an_empty_one_get_the_same_schema(postgres: PostgreSQL, field: str) -> None:
    await migrate(postgres, field)
    assert await schema(postgres, field) == await schema(postgres, MIGRATED)


async def test_the_rows_of_an_old_database_are_kept_as_they_were(postgres: PostgreSQL, field: str) -> None:
    columns = {
        table: await postgres.run(
            f"select string_agg(attname, ', ') from pg_attribute "
            f"where attrelid = 'public.{table}'::regclass and attnum > 0",
            field,
        )
        for table in TABLES
    }
    selects = {table: f"select {columns[table]} from public.{table} order by 1" for table in TABLES}
    before = {table: await postgres.run(selects[table], field) for table in TABLES}
    await migrate(postgres, field)
    assert {table: await postgres.run(selects[table], field) for table in TABLES} == before
    assert all(before.values())
    added = "select distinct event_id is null, revision from public.music_history"
    assert (await postgres.run(added, field)).strip() == "t|0"


@pytest.mark.parametrize("start", ["field", "empty"])
async def test_each_file_is_safe_to_run_twice(
    postgres: PostgreSQL, start: str, request: pytest.FixtureRequest, field: str, empty: str
) -> None:
    database = field if start == "field" else empty
    for migration in sorted(MIGRATIONS.glob("*.sql")):
        await postgres.run(migration.read_text(), database)
        await postgres.run(migration.read_text(), database)
    await migrate(postgres, database)
    assert await schema(postgres, database) == await schema(postgres, MIGRATED)


async def test_plain_postgresql_gets_the_same_tables_and_functions(
    postgres: PostgreSQL, plain_postgres: PostgreSQL
) -> None:
    database = await plain_postgres.create_database()
    await migrate(plain_postgres, database)
    await migrate(plain_postgres, database)
    plain, ours = await schema(plain_postgres, database), await schema(postgres, MIGRATED)
    assert (plain.pop("rights"), plain.pop("realtime")) == (None, None)
    assert plain == {kind: lines for kind, lines in ours.items() if kind in plain}


async def test_the_bots_bookkeeping_is_not_in_realtime(postgres: PostgreSQL, empty: str) -> None:
    await migrate(postgres, empty)
    await postgres.run(
        "alter publication supabase_realtime add table public.bot_state, public.session_revisions", empty
    )
    await migrate(postgres, empty)
    assert (await schema(postgres, empty))["realtime"] == sorted(TABLES)


async def test_a_publication_of_all_tables_is_left_as_it_is(postgres: PostgreSQL, empty: str) -> None:
    await postgres.run("drop publication supabase_realtime", empty)
    await postgres.run("create publication supabase_realtime for all tables", empty)
    await migrate(postgres, empty)
    assert "active_sessions" in ((await schema(postgres, empty))["realtime"] or [])


async def test_another_programs_table_of_the_same_name_is_left_alone(postgres: PostgreSQL, empty: str) -> None:
    await postgres.run("create table public.bot_logs (id uuid primary key, body text not null)", empty)
    before = await schema(postgres, empty)
    with pytest.raises(SQLError, match=r"bot_logs\.message: text, not missing"):
        await migrate(postgres, empty)
    assert await schema(postgres, empty) == before


async def test_an_anon_client_is_told_that_it_is_refused_from_now_on(postgres: PostgreSQL, field: str) -> None:
    said: list[str] = []
    async with await psycopg.AsyncConnection.connect(postgres.uri(field), autocommit=True) as editor:
        editor.add_notice_handler(lambda notice: said.append(notice.message_primary or ""))
        for migration in sorted(MIGRATIONS.glob("*.sql")):
            # As the SQL editor sends it: the whole file in one message.
            await editor.execute(migration.read_bytes())
    assert any("anon key is refused" in message for message in said)
    assert any("anon キー" in message for message in said)
    assert await schema(postgres, field) == await schema(postgres, MIGRATED)


async def test_postgrest_is_told_to_read_the_schema_again(plain_postgres: PostgreSQL) -> None:
    database = await plain_postgres.create_database()
    async with await psycopg.AsyncConnection.connect(plain_postgres.uri(database), autocommit=True) as listener:
        await listener.execute("listen pgrst")
        for migration in sorted(MIGRATIONS.glob("*.sql")):
            await plain_postgres.run(migration.read_text(), database)
            told = [notification.payload async for notification in listener.notifies(timeout=5, stop_after=1)]
            assert told == ["reload schema"], migration.name


async def test_an_old_bot_writes_on_while_its_database_is_migrated(postgres: PostgreSQL, field: str) -> None:
    done = asyncio.Event()
    written = 0

    async def old_bot() -> None:
        nonlocal written
        async with await psycopg.AsyncConnection.connect(postgres.uri(field), autocommit=True) as connection:
            await connection.execute("set role service_role")
            while not done.is_set():
                await connection.execute("insert into public.bot_logs (level, message) values ('INFO', 'still here')")
                written += 1

    before = await count(postgres, field, "bot_logs")
    writing = asyncio.create_task(old_bot())
    try:
        await migrate(postgres, field)
    finally:
        done.set()
        await writing
    assert await count(postgres, field, "bot_logs") == before + written
    assert await schema(postgres, field) == await schema(postgres, MIGRATED)
