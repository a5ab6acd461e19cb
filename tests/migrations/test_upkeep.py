"""Old rows go after as long as was set, sessions of a dead bot after 30 minutes, and a live one is back at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import psycopg
import pytest
import pytest_asyncio

from sandbox.supabase import MIGRATIONS, PostgreSQL
from tests.migrations.calls import apply, item, sessions
from tests.migrations.conftest import Connect, Connection
from tests.migrations.databases import migrate, schema
from tests.real_parts import MIGRATED

(UPKEEP,) = MIGRATIONS.glob("*_upkeep.sql")
DAYS = {"system_stats": 30, "bot_logs": 30, "gemini_usage": 365, "music_history": 365, "command_queue": 7}


@pytest_asyncio.fixture
async def owner(cron_postgres: PostgreSQL, cron_database: str) -> AsyncIterator[str]:
    """The role that owns the project's tables, which on Supabase is no superuser either."""
    await cron_postgres.run(
        "create role owner_of_this login; grant create, usage on schema public to owner_of_this", cron_database
    )
    yield "owner_of_this"
    await cron_postgres.run("drop owned by owner_of_this; drop role owner_of_this", cron_database)


async def migrate_as(owner: str, cluster: PostgreSQL, database: str) -> None:
    for migration in sorted(MIGRATIONS.glob("*.sql")):
        await cluster.run(f"set role {owner};\n{migration.read_text()}", database)


async def count(connection: Connection, table: str) -> int:
    cursor = await connection.execute(f"select count(*) from public.{table}".encode())
    found = await cursor.fetchone()
    assert found is not None
    return found[0]


async def test_there_is_one_job_of_each_however_often_the_file_runs(
    postgres: PostgreSQL, cron_postgres: PostgreSQL, cron_database: str
) -> None:
    await migrate(cron_postgres, cron_database)
    await migrate(cron_postgres, cron_database)
    jobs = await cron_postgres.run("select schedule, command from cron.job order by command", cron_database)
    assert jobs.splitlines() == [
        "*/5 * * * *|select public.remove_old_rows()",
        "*/5 * * * *|select public.sweep_sessions()",
    ]
    assert await schema(cron_postgres, cron_database) == await schema(postgres, MIGRATED)


async def test_pg_cron_runs_both_jobs(cron_postgres: PostgreSQL, cron_database: str, owner: str) -> None:
    await cron_postgres.run(f"grant usage on schema cron to {owner}", cron_database)
    await migrate_as(owner, cron_postgres, cron_database)
    await cron_postgres.run(
        "insert into public.active_sessions (guild_id, updated_at) "
        "values ('100', now() - interval '31 minutes'), ('200', now() - interval '29 minutes');"
        + "".join(
            f"insert into public.{table} (created_at) values (now()), (now() - interval '{days} days 1 minute');"
            for table, days in DAYS.items()
        ),
        cron_database,
    )
    seen = "set role service_role; select public.schema_report() ->> 'upkeep'"
    assert json.loads(await cron_postgres.run(seen, cron_database)) == [
        "discord-bot-remove-old-rows",
        "discord-bot-sweep-sessions",
    ]
    # The one schedule that does not wait for the clock: what it names runs when pg_cron starts.
    await cron_postgres.run("update cron.job set schedule = '@reboot'", cron_database)
    await cron_postgres.restart()
    ended = "select username, command, status, end_time is null from cron.job_run_details order by command"
    runs: list[str] = []
    async with asyncio.timeout(30):
        while len(runs) != 2 or any(run.endswith("t") for run in runs):
            # pg_cron tells nobody when a job has ended.
            await asyncio.sleep(0.05)
            runs = (await cron_postgres.run(ended, cron_database)).splitlines()
    assert runs == [
        f"{owner}|select public.remove_old_rows()|succeeded|f",
        f"{owner}|select public.sweep_sessions()|succeeded|f",
    ]
    left = " union all ".join(f"select count(*) from public.{table}" for table in DAYS)
    assert (await cron_postgres.run(left, cron_database)).split() == ["1"] * len(DAYS)
    assert (await cron_postgres.run("select guild_id from public.active_sessions", cron_database)).split() == ["200"]


async def test_without_pg_cron_the_file_says_so(postgres: PostgreSQL, database: str) -> None:
    said: list[str] = []
    async with await psycopg.AsyncConnection.connect(postgres.uri(database), autocommit=True) as editor:
        editor.add_notice_handler(lambda notice: said.append(notice.message_primary or ""))
        await editor.execute(UPKEEP.read_bytes())
    assert any("pg_cron is not switched on" in message for message in said)
    assert any("pg_cron が有効ではありません" in message for message in said)


async def test_a_role_that_may_not_use_pg_cron_still_gets_the_rest(
    cron_postgres: PostgreSQL, cron_database: str, owner: str
) -> None:
    await migrate_as(owner, cron_postgres, cron_database)
    rows = "select (select count(*) from public.bot_retention), (select count(*) from cron.job)"
    assert (await cron_postgres.run(rows, cron_database)).strip() == f"{len(DAYS)}|0"


@pytest.mark.parametrize("table", DAYS)
async def test_rows_go_when_their_time_is_over(postgres: PostgreSQL, database: str, table: str) -> None:
    await postgres.run(
        f"insert into public.{table} (created_at) "
        f"select now() - make_interval(days => {DAYS[table]}) + make_interval(hours => n) "
        "from generate_series(-3, 3) as n where n <> 0",
        database,
    )
    await postgres.run("select public.remove_old_rows()", database)
    kept = f"select count(*), bool_and(created_at > now() - make_interval(days => {DAYS[table]})) from public.{table}"
    assert (await postgres.run(kept, database)).strip() == "3|t"


async def test_how_long_is_set_in_one_place_and_running_the_file_again_keeps_it(
    postgres: PostgreSQL, database: str
) -> None:
    await postgres.run(
        """
        update public.bot_retention set days = null where table_name = 'bot_logs';
        update public.bot_retention set days = 2 where table_name = 'music_history';
        insert into public.bot_retention values ('bot_state', 1);
        insert into public.bot_logs (created_at) values (now() - interval '10 years');
        insert into public.music_history (created_at) values (now() - interval '1 day'), (now() - interval '3 days');
        insert into public.bot_state (key) values ('settings:100');
        """,
        database,
    )
    await migrate(postgres, database)
    await postgres.run("select public.remove_old_rows()", database)
    left = "select (select count(*) from public.{}), (select count(*) from public.{}), (select count(*) from public.{})"
    answer = await postgres.run(left.format("bot_logs", "music_history", "bot_state"), database)
    assert answer.strip() == "1|1|1"


async def test_a_backlog_goes_in_bites_the_oldest_first(connect: Connect) -> None:
    connection = await connect()
    await connection.execute(
        "insert into public.bot_logs (created_at) "
        "select now() - interval '31 days' - make_interval(secs => n) from generate_series(1, 1200) as n"
    )
    await connection.execute("analyze public.bot_logs")
    left: list[int] = []
    for _ in range(4):
        await connection.execute("select public.remove_old_rows()")
        left.append(await count(connection, "bot_logs"))
    assert left == [700, 200, 0, 0]


async def test_upkeep_waits_for_nobody(connect: Connect) -> None:
    """A row that is just being written is left for the next time, so that no bot and no upkeep block each other."""
    bot, upkeep = await connect(), await connect()
    await apply(bot, item(1), item(1, guild_id="200"))
    await bot.execute("update public.active_sessions set updated_at = now() - interval '1 hour'")
    await bot.execute("insert into public.bot_logs (level, created_at) values ('a', '2020-01-01'), ('b', '2020-01-01')")
    await upkeep.execute("set lock_timeout = '1s'")
    async with bot.transaction():
        await apply(bot, item(2, updated_at="infinity"))
        await bot.execute("update public.bot_logs set message = 'x' where level = 'a'")
        await upkeep.execute("select public.sweep_sessions(), public.remove_old_rows()")
    assert await sessions(upkeep) == {"100": 2}
    assert await count(upkeep, "bot_logs") == 1


async def test_a_session_that_nobody_stamps_is_swept_and_a_live_one_is_back_at_its_next_stamp(connect: Connect) -> None:
    connection = await connect()
    await apply(connection, item(5), item(5, guild_id="200"), item(5, guild_id="300"))
    await connection.execute("""
        update public.active_sessions set updated_at = now() - case guild_id
            when '100' then interval '31 minutes' when '200' then interval '29 minutes' else interval '1 day' end
    """)
    await connection.execute("select public.sweep_sessions()")
    assert await sessions(connection) == {"200": 5}
    # What was on its way before the sweep does not bring the session back, what comes after it does.
    assert await apply(connection, item(5), item(4, guild_id="300")) == {("100", 5, False), ("300", 5, False)}
    assert await apply(connection, item(6)) == {("100", 6, True)}
    assert await sessions(connection) == {"200": 5, "100": 6}


@pytest.mark.parametrize(
    ("columns", "minutes", "swept"),
    [
        ({"duration_ms": 200_000}, 31, True),
        ({"duration_ms": 200_000}, 29, False),
        ({"duration_ms": 2 * 3_600_000}, 119, False),
        ({"duration_ms": 2 * 3_600_000}, 121, True),
        ({"duration_ms": 2 * 3_600_000, "position_ms": 3_600_000}, 61, True),
        ({"duration_ms": 2 * 3_600_000, "is_playing": "false"}, 31, True),
        ({"duration_ms": 9_223_372_036_854_775_807}, 60, False),
        ({"duration_ms": 9_223_372_036_854_775_807}, 1441, True),
        ({"duration_ms": 0}, 31, True),
    ],
)
async def test_an_older_bots_session_may_be_as_old_as_its_track_is_long(
    connect: Connect, columns: dict[str, object], minutes: int, swept: bool
) -> None:
    """Such a bot stamps a session only when a track starts."""
    connection = await connect()
    row = {"guild_id": "100", "is_playing": "true", "position_ms": 0} | columns
    values = ", ".join(str(value) for value in row.values())
    await connection.execute(
        f"insert into public.active_sessions ({', '.join(row)}, updated_at) "
        f"values ({values}, now() - interval '{minutes} minutes')".encode()
    )
    await connection.execute("select public.sweep_sessions()")
    assert await sessions(connection) == ({} if swept else {"100": 0})


async def test_a_session_without_a_time_is_swept(connect: Connect) -> None:
    connection = await connect()
    await connection.execute(
        "insert into public.active_sessions (guild_id, updated_at) values ('1', null), ('2', '-infinity')"
    )
    await connection.execute("select public.sweep_sessions()")
    assert await sessions(connection) == {}
