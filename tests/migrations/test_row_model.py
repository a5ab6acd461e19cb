"""The newest revision of a keyed row wins, in whatever order and however often rows arrive."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from postgrest.exceptions import APIError
from postgrest.types import ReturnMethod
from supabase import AsyncClient, acreate_client

from sandbox.supabase import Supabase

LIMIT = 9007199254740991


@pytest_asyncio.fixture
async def client(supabase: Supabase) -> AsyncIterator[AsyncClient]:
    """What a bot with the service key has."""
    connected = await acreate_client(supabase.url, supabase.service_role_key)
    yield connected
    await connected.postgrest.aclose()


def play(event_id: str, revision: int, **more: Any) -> dict[str, Any]:
    return {
        "event_id": event_id,
        "revision": revision,
        "guild_id": "100",
        "track_title": "song",
        "track_url": None,
        "duration_ms": 1000,
        "requested_by": "alice",
        "created_at": "2026-11-22T10:00:00+00:00",
        "ended_at": None,
        "end_reason": None,
        "played_ms": None,
    } | more


async def upsert(client: AsyncClient, table: str, rows: list[dict[str, Any]], key: str = "event_id") -> None:
    await client.table(table).upsert(rows, on_conflict=key, returning=ReturnMethod.minimal).execute()


async def test_a_row_is_upserted_by_its_event_id_without_an_id(supabase: Supabase, client: AsyncClient) -> None:
    first, second = sorted(str(uuid.uuid4()) for _ in range(2))
    await upsert(client, "music_history", [play(first, 1), play(second, 1)])
    await upsert(client, "music_history", [play(first, 2, end_reason="finished"), play(second, 1)])
    rows = {row["event_id"]: row for row in await supabase.rows("music_history")}
    assert {key: (row["revision"], row["end_reason"]) for key, row in rows.items()} == {
        first: (2, "finished"),
        second: (1, None),
    }
    assert all(isinstance(row["id"], int) for row in rows.values())


async def test_a_stale_row_is_dropped_without_an_error(supabase: Supabase, client: AsyncClient) -> None:
    event_id = str(uuid.uuid4())
    await upsert(client, "music_history", [play(event_id, 7, end_reason="skipped")])
    await upsert(client, "music_history", [play(event_id, 6, end_reason="late")])
    assert [(row["revision"], row["end_reason"]) for row in await supabase.rows("music_history")] == [(7, "skipped")]


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("system_stats", {"cpu_usage": 1.5}),
        ("bot_logs", {"level": "INFO", "message": "x"}),
        ("gemini_usage", {"guild_id": None, "user_id": "7", "total_tokens": 3, "status": "settled"}),
        ("music_history", {"guild_id": "1"}),
    ],
)
async def test_every_keyed_table_refuses_what_is_stale_or_the_same(
    supabase: Supabase, client: AsyncClient, table: str, row: dict[str, Any]
) -> None:
    key = {"event_id": str(uuid.uuid4()), "created_at": "2026-11-22T10:00:00+00:00"}
    version = f"select ctid, xmin from public.{table}"
    await upsert(client, table, [key | row | {"revision": 5}])
    written = await supabase.execute(version)
    await upsert(client, table, [key | row | {"revision": 5}])
    await upsert(client, table, [key | row | {"revision": 4}])
    assert await supabase.execute(version) == written
    await upsert(client, table, [key | row | {"revision": 6}])
    assert [found["revision"] for found in await supabase.rows(table)] == [6]


async def test_bot_state_refuses_what_is_stale_or_the_same(supabase: Supabase, client: AsyncClient) -> None:
    version = "select ctid, xmin from public.bot_state"
    newest = {"key": "settings:100", "value": {"volume": 40}, "revision": 5}
    await upsert(client, "bot_state", [newest], "key")
    written = await supabase.execute(version)
    await upsert(client, "bot_state", [newest], "key")
    await upsert(client, "bot_state", [newest | {"value": None, "revision": 4}], "key")
    assert await supabase.execute(version) == written
    await upsert(client, "bot_state", [newest | {"value": None, "revision": 6}], "key")
    assert await supabase.rows("bot_state") == [{"key": "settings:100", "value": None, "revision": 6}]


async def test_an_edit_by_hand_passes(supabase: Supabase, client: AsyncClient) -> None:
    await upsert(client, "music_history", [play(str(uuid.uuid4()), 7)])
    await supabase.execute("update public.music_history set track_title = 'by hand'")
    assert [row["track_title"] for row in await supabase.rows("music_history")] == ["by hand"]


async def test_an_edit_by_hand_passes_beside_a_column_without_equality(supabase: Supabase) -> None:
    """A column of one's own may be of a type that cannot be compared, such as json."""
    await supabase.execute("""
        alter table public.bot_logs add column more json default '{}';
        insert into public.bot_logs (level, message) values ('INFO', 'x');
        update public.bot_logs set more = '{"seen": true}';
    """)
    assert [row["more"] for row in await supabase.rows("bot_logs")] == [{"seen": True}]


async def test_the_person_of_a_row_can_be_forgotten(supabase: Supabase, client: AsyncClient) -> None:
    event_id = str(uuid.uuid4())
    await upsert(client, "music_history", [play(event_id, 1)])
    await upsert(client, "music_history", [play(event_id, 2, requested_by=None)])
    assert [row["requested_by"] for row in await supabase.rows("music_history")] == [None]


async def test_a_revision_that_javascript_cannot_read_is_refused(supabase: Supabase, client: AsyncClient) -> None:
    await upsert(client, "music_history", [play(str(uuid.uuid4()), LIMIT)])
    for beyond in (LIMIT + 1, -1):
        with pytest.raises(APIError) as refused:
            await upsert(client, "music_history", [play(str(uuid.uuid4()), beyond)])
        assert refused.value.code == "23514"
    assert [row["revision"] for row in await supabase.rows("music_history")] == [LIMIT]
