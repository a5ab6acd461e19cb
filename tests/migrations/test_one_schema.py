"""Every database ends up with the same schema, whatever it was before, and keeps its rows."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import psycopg
import pytest
import pytest_asyncio

from sandbox.supabase import MIGRATIONS, PostgreSQL, SQLError
from tests.migrations.databases import FIELD, LISTENED, migrate, schema
from tests.real_parts import MIGRATED


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
        for table in LISTENED
    }
    selects = {table: f"select {columns[table]} from public.{table} order by 1" for table in LISTENED}
    before = {table: await postgres.run(selects[table], field) for table in LISTENED}
    await migrate(postgres, field)
    assert {table: await postgres.run(selects[table], field) for table in LISTENED} == before
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
        "alter publication supabase_realtime "
        "add table public.bot_state, public.session_revisions, public.bot_retention",
        empty,
    )
    await migrate(postgres, empty)
    assert (await schema(postgres, empty))["realtime"] == sorted(LISTENED)


async def test_a_publication_of_all_tables_is_left_as_it_is(postgres: PostgreSQL, empty: str) -> None:
    await postgres.run("drop publication supabase_realtime", empty)
    await postgres.run("create publication supabase_realtime for all tables", empty)
    await migrate(postgres, empty)
    assert "active_sessions" in ((await schema(postgres, empty))["realtime"] or [])


async def test_a_publication_of_the_whole_schema_is_left_as_it_is(postgres: PostgreSQL, empty: str) -> None:
    await postgres.run("drop publication supabase_realtime", empty)
    await postgres.run("create publication supabase_realtime for tables in schema public", empty)
    await migrate(postgres, empty)
    await migrate(postgres, empty)
    assert set(LISTENED) < set((await schema(postgres, empty))["realtime"] or [])


async def test_another_programs_table_of_the_same_name_is_left_alone(postgres: PostgreSQL, empty: str) -> None:
    await postgres.run("create table public.bot_logs (id uuid primary key, body text not null)", empty)
    before = await schema(postgres, empty)
    with pytest.raises(SQLError, match=r"bot_logs\.message: text, not missing"):
        await migrate(postgres, empty)
    assert await schema(postgres, empty) == before


async def test_whoever_goes_on_after_that_refusal_changes_nothing_either(postgres: PostgreSQL, empty: str) -> None:
    """As psql does without ON_ERROR_STOP: no trigger on the other program's queue, no job that deletes its rows."""
    await postgres.run(
        """
        create table public.bot_logs (id bigint primary key, body text, created_at timestamptz);
        create table public.command_queue (id uuid, command text, payload jsonb, status text, created_at timestamptz);
        """,
        empty,
    )
    before = await schema(postgres, empty)
    for migration in sorted(MIGRATIONS.glob("*.sql")):
        with pytest.raises(SQLError):
            await postgres.run(migration.read_text(), empty)
    assert await schema(postgres, empty) == before


@pytest.mark.parametrize("start", ["field", "empty"])
async def test_the_sql_editor_gets_the_same_schema(postgres: PostgreSQL, start: str, field: str, empty: str) -> None:
    """It sends a whole file in one message."""
    database = field if start == "field" else empty
    async with await psycopg.AsyncConnection.connect(postgres.uri(database), autocommit=True) as editor:
        for migration in sorted(MIGRATIONS.glob("*.sql")) * 2:
            await editor.execute(migration.read_bytes())
    assert await schema(postgres, database) == await schema(postgres, MIGRATED)


@pytest.mark.parametrize("start", ["field", "empty"])
async def test_the_supabase_cli_gets_the_same_schema(postgres: PostgreSQL, start: str, field: str, empty: str) -> None:
    """It sends a file's statements one by one in a pipeline, which is a transaction of its own."""
    database = field if start == "field" else empty
    async with await psycopg.AsyncConnection.connect(postgres.uri(database), autocommit=True) as cli:
        for migration in sorted(MIGRATIONS.glob("*.sql")) * 2:
            async with cli.pipeline():
                for statement in statements(migration.read_text()):
                    await cli.execute(statement.encode(), prepare=False)
    assert await schema(postgres, database) == await schema(postgres, MIGRATED)


def statements(script: str) -> list[str]:
    """A script's statements: apart at each semicolon that ends a line outside of comments and $$ … $$."""
    found = re.findall(r"(?:\$\$.*?\$\$|--[^\n]*\n|[^;$-]|-(?!-)|\$(?!\$))+;", script, flags=re.DOTALL)
    assert "".join(found).split() == script.split()
    return found


async def test_postgrest_is_told_to_read_the_schema_again(plain_postgres: PostgreSQL) -> None:
    database = await plain_postgres.create_database()
    async with await psycopg.AsyncConnection.connect(plain_postgres.uri(database), autocommit=True) as listener:
        await listener.execute("listen pgrst")
        for migration in sorted(MIGRATIONS.glob("*.sql")):
            await plain_postgres.run(migration.read_text(), database)
            told = [notification.payload async for notification in listener.notifies(timeout=5, stop_after=1)]
            assert told == ["reload schema"], migration.name
