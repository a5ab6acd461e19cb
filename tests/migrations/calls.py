"""What a bot's requests do in the database, on a connection of the test's own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from tests.migrations.conftest import Connect, Connection

KEYS = {
    "music_history": "event_id",
    "gemini_usage": "event_id",
    "bot_logs": "event_id",
    "system_stats": "event_id",
    "bot_state": "key",
}
"""The tables whose rows are upserted, and their keys."""

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
"""What apply_sessions must not be, for positive controls."""


def item(revision: int, *, deleted: bool = False, guild_id: str = "100", **more: Any) -> dict[str, Any]:
    """A session as `apply_sessions` takes it."""
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
    """Send sessions; what the database answers."""
    cursor = await connection.execute("select * from public.apply_sessions(%s)", [json.dumps(items)])
    return set(await cursor.fetchall())  # pyright: ignore[reportReturnType] a row's types come from the database


async def sessions(connection: Connection) -> dict[str, int]:
    """The revision of every session that is there."""
    cursor = await connection.execute("select guild_id, revision from public.active_sessions")
    return dict(await cursor.fetchall())


def upsert_statement(table: str, columns: Iterable[str]) -> bytes:
    """What PostgREST makes of an upsert of rows with these columns; it takes them as one JSON array."""
    names = ", ".join(columns)
    values = ", ".join(f"{name} = excluded.{name}" for name in columns)
    return (
        f"insert into public.{table} ({names}) "
        f"select {names} from json_populate_recordset(null::public.{table}, %s) as payload "
        f"on conflict ({KEYS[table]}) do update set {values}"
    ).encode()


async def upsert(connection: Connection, table: str, *rows: dict[str, Any]) -> None:
    """Send keyed rows, all with the same columns."""
    await connection.execute(upsert_statement(table, rows[0]), [json.dumps(rows)])


@asynccontextmanager
async def held_open(connect: Connect) -> AsyncGenerator[tuple[Connection, Connection]]:
    """Two connections; what the first does is committed only once the second waits for it, or the block ends."""
    holder, follower, watcher = await connect(), await connect(), await connect()

    async def commit_once_blocked() -> None:
        await until_blocked(watcher, follower.info.backend_pid)
        await holder.execute("commit")

    await holder.execute("begin")
    committing = asyncio.create_task(commit_once_blocked())
    try:
        yield holder, follower
        await asyncio.wait_for(committing, 10)
    finally:
        committing.cancel()


async def until_blocked(watcher: Connection, pid: int) -> None:
    """Wait until the connection with this backend waits for another one's lock."""
    while True:
        cursor = await watcher.execute("select pg_blocking_pids(%s) <> '{}'", [pid])
        if await cursor.fetchone() == (True,):
            return
        # PostgreSQL tells nobody when a lock is waited for.
        await asyncio.sleep(0.005)
