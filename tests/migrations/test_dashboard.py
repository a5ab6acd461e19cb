"""What a dashboard may do once it was let in, and that it stays let in."""

from __future__ import annotations

import uuid
from typing import Any

import psycopg
import pytest
from postgrest.exceptions import APIError
from supabase import AsyncClient, acreate_client

from sandbox.supabase import MIGRATIONS, PostgreSQL, SQLError, Supabase
from tests.migrations.databases import (
    BOOKKEEPING,
    DASHBOARD_CONTROL,
    DASHBOARD_OFF,
    DASHBOARD_READ,
    LISTENED,
    NOW,
    OPT_IN,
    migrate,
    schema,
)

PAUSE: dict[str, Any] = {"command": "pause", "payload": {"guild_id": "100"}, "status": "pending"}


async def anon(project: Supabase) -> AsyncClient:
    return await acreate_client(project.url, project.anon_key)


async def refused(call: Any) -> bool:
    """Whether a call is refused for want of a right."""
    code = None
    try:
        await call.execute()
    except APIError as error:
        code = error.code
    assert code in {None, "42501"}
    return code is not None


async def insert(client: AsyncClient, row: dict[str, Any]) -> bool:
    """Whether the row got into the queue; told as supabase-js asks for it, without the row in return."""
    return not await refused(client.table("command_queue").insert(row, returning="minimal"))  # pyright: ignore[reportArgumentType]


async def test_a_dashboard_reads_what_there_is_to_read_and_nothing_else(supabase: Supabase) -> None:
    for table in (*LISTENED, NOW):
        if table not in ("active_sessions", NOW):
            await supabase.execute(f"insert into public.{table} default values")
    await supabase.execute("insert into public.active_sessions (guild_id) values ('100')")
    client = await anon(supabase)
    assert all([await refused(client.table(table).select("*")) for table in LISTENED])
    await supabase.apply(DASHBOARD_READ)
    for table in (*LISTENED, NOW):
        assert len((await client.table(table).select("*").execute()).data) == 1, table
    assert all([await refused(client.table(table).select("*")) for table in BOOKKEEPING])
    for table in LISTENED:
        assert await refused(client.table(table).insert({"guild_id" if table == "active_sessions" else "id": None}))
    assert not await insert(client, PAUSE)


@pytest.mark.parametrize(
    "row",
    [
        PAUSE,
        PAUSE | {"command": "resume"},
        PAUSE | {"command": "skip"},
        PAUSE | {"command": "stop"},
        PAUSE | {"command": "seek", "payload": {"guild_id": "100", "position_ms": 83000}},
        PAUSE | {"command": "volume", "payload": {"guild_id": "100", "level": 40}},
        PAUSE | {"id": str(uuid.uuid4())},
        {key: value for key, value in PAUSE.items() if key != "status"},
    ],
)
async def test_a_dashboard_may_ask_for_what_the_bot_knows(supabase: Supabase, row: dict[str, Any]) -> None:
    client = await anon(supabase)
    assert not await insert(client, row)
    await supabase.apply(DASHBOARD_CONTROL)
    assert await insert(client, row)
    (found,) = await supabase.rows("command_queue", "created_at > now() - interval '1 minute'")
    assert {key: found[key] for key in ("command", "payload", "status")} == {
        key: row.get(key, "pending") for key in ("command", "payload", "status")
    }


async def test_a_dashboard_may_ask_for_nothing_else(supabase: Supabase) -> None:
    await supabase.apply(DASHBOARD_CONTROL)
    # Somebody's policy of before does not widen it.
    await supabase.execute("create policy everything on public.command_queue for all to anon using (true)")
    client = await anon(supabase)
    guild = {"guild_id": "100"}
    seek, volume = PAUSE | {"command": "seek"}, PAUSE | {"command": "volume"}
    for row in (
        PAUSE | {"status": "processing"},
        PAUSE | {"status": "completed"},
        PAUSE | {"status": None},
        PAUSE | {"command": "leave"},
        PAUSE | {"command": "PAUSE"},
        PAUSE | {"command": None},
        PAUSE | {"payload": None},
        PAUSE | {"payload": {}},
        PAUSE | {"payload": []},
        PAUSE | {"payload": "100"},
        PAUSE | {"payload": {"guild_id": 100}},
        PAUSE | {"payload": {"guild_id": ["100"]}},
        PAUSE | {"payload": {"guild_id": "everywhere"}},
        PAUSE | {"payload": {"guild_id": "100\n"}},
        PAUSE | {"payload": {"guild_id": "1" * 21}},
        PAUSE | {"payload": guild | {"more": "x" * 1000}},
        seek,
        seek | {"payload": guild | {"position_ms": "1:23"}},
        seek | {"payload": guild | {"position_ms": -1}},
        seek | {"payload": guild | {"position_ms": [5]}},
        seek | {"payload": guild | {"position_ms": 1e300}},
        volume,
        volume | {"payload": guild | {"level": 1001}},
        volume | {"payload": guild | {"level": None}},
        volume | {"payload": guild | {"level": [40]}},
    ):
        assert not await insert(client, row), row
    await insert(client, PAUSE)
    for call in (
        client.table("command_queue").select("*"),
        client.table("command_queue").update({"status": "completed"}).eq("command", "pause"),
        client.table("command_queue").delete().eq("command", "pause"),
        client.table("music_history").insert({"guild_id": "100"}),
    ):
        assert await refused(call)
    assert [row["status"] for row in await supabase.rows("command_queue")] == ["pending"]


async def test_a_command_cannot_come_from_the_future(supabase: Supabase) -> None:
    """It would stay young for as long; whether it is refused or taken for now's."""
    await supabase.apply(DASHBOARD_CONTROL)
    client = await anon(supabase)
    await insert(client, PAUSE | {"created_at": "2100-01-01T00:00:00Z"})
    assert await supabase.rows("command_queue", "created_at > now()") == []
    assert await insert(client, PAUSE | {"created_at": "2020-01-01T00:00:00Z"})


@pytest.mark.parametrize("kept", ["anon, authenticated", "authenticated"])
async def test_the_dashboards_rights_outlive_the_migrations_and_each_other(
    postgres: PostgreSQL, database: str, kept: str
) -> None:
    """The roles that are let in are one line of each file, and running it anew is how to change them."""
    roles = ", ".join(f"'{role}'" for role in kept.split(", "))
    opened: list[Any] = []
    for turn in range(3):
        for file in (DASHBOARD_READ, DASHBOARD_CONTROL):
            script = file.read_text()
            # The first time everybody is let in.
            await postgres.run(
                script if turn == 0 else script.replace("'anon', 'authenticated'];", f"{roles}];"), database
            )
        opened.append(await schema(postgres, database))
        await migrate(postgres, database)
        opened.append(await schema(postgres, database))
    assert opened[0] == opened[1]
    assert all(found == opened[2] for found in opened[3:])
    assert (opened[0] == opened[2]) == ("anon" in kept.split(", "))


async def test_what_was_let_in_can_be_taken_back(postgres: PostgreSQL, database: str) -> None:
    before = await schema(postgres, database)
    for file in (DASHBOARD_READ, DASHBOARD_CONTROL):
        await postgres.run(file.read_text(), database)
    assert await schema(postgres, database) != before
    for _ in range(2):
        await postgres.run(DASHBOARD_OFF.read_text(), database)
        assert await schema(postgres, database) == before


async def test_plain_postgresql_has_nobody_to_let_in(plain_postgres: PostgreSQL) -> None:
    database = await plain_postgres.create_database()
    await migrate(plain_postgres, database)
    before = await schema(plain_postgres, database)
    for file in (DASHBOARD_READ, DASHBOARD_CONTROL, DASHBOARD_OFF):
        await plain_postgres.run(file.read_text(), database)
    assert await schema(plain_postgres, database) == before


@pytest.mark.parametrize("file", [DASHBOARD_READ, DASHBOARD_CONTROL])
async def test_before_the_migrations_nothing_is_changed(postgres: PostgreSQL, file: Any) -> None:
    database = await postgres.create_supabase()
    with pytest.raises(SQLError, match="run the files of migrations/ in order first"):
        await postgres.run(file.read_text(), database)
    await postgres.drop_database(database)


async def test_who_lets_a_dashboard_control_is_told_what_that_means(postgres: PostgreSQL, database: str) -> None:
    said: list[str] = []
    async with await psycopg.AsyncConnection.connect(postgres.uri(database), autocommit=True) as editor:
        editor.add_notice_handler(lambda notice: said.append(notice.message_primary or ""))
        await editor.execute(DASHBOARD_CONTROL.read_bytes())
    assert any("controls the player of every server" in message for message in said)
    assert any("すべてのサーバーの再生を操作できます" in message for message in said)


def test_opt_in_files_are_outside_of_the_order() -> None:
    assert {path.name for path in OPT_IN.iterdir()} == {
        "dashboard_read.sql",
        "dashboard_control.sql",
        "dashboard_off.sql",
    }
    assert not [path for path in MIGRATIONS.glob("*.sql") if "dashboard" in path.name]
