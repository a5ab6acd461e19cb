"""The view gives every session's place now, right to 1 s, whatever is in the row."""

from __future__ import annotations

import json
from typing import Any

import pytest
from supabase import acreate_client

from sandbox.supabase import Supabase

TRACK = {"position_ms": 10_000, "duration_ms": 200_000, "is_playing": True, "speed": 1.0}
LIVE = 9_223_372_036_854_775_807


async def put(project: Supabase, guild_id: str, age: str, **columns: Any) -> None:
    """A session that was stamped `age` (an SQL interval, or a whole expression) ago."""
    row = {"guild_id": guild_id} | TRACK | columns
    names = ", ".join(row)
    values = ", ".join("null" if value is None else f"'{value}'" for value in row.values())
    stamp = age if "timestamptz" in age or age == "null" else f"now() - interval '{age}'"
    await project.execute(f"insert into public.active_sessions ({names}, updated_at) values ({values}, {stamp})")


async def now(project: Supabase) -> dict[str, int | None]:
    """Where every session is, as a dashboard asks."""
    client = await acreate_client(project.url, project.service_role_key)
    rows: Any = (await client.table("active_sessions_now").select("*").execute()).data
    return {row["guild_id"]: row["position_ms"] for row in rows}


@pytest.mark.parametrize(
    ("age", "columns", "expected"),
    [
        ("0 s", {}, 10_000),
        ("30 s", {}, 40_000),
        ("30 s", {"speed": 1.5}, 55_000),
        ("30 s", {"speed": 0.5}, 25_000),
        ("30 s", {"speed": None}, 40_000),
        ("30 s", {"is_playing": False}, 10_000),
        ("30 s", {"is_playing": None}, 10_000),
        ("-30 s", {}, 10_000),
        ("1 hour", {}, 200_000),
        ("1 hour", {"duration_ms": 0}, 3_610_000),
        ("1 hour", {"duration_ms": None}, 3_610_000),
        ("1 hour", {"duration_ms": LIVE}, 3_610_000),
        ("30 s", {"position_ms": None}, None),
        ("null", {}, 10_000),
        ("timestamptz 'infinity'", {}, 10_000),
        ("timestamptz '-infinity'", {}, 10_000),
        ("30 s", {"speed": "NaN"}, 40_000),
        ("30 s", {"speed": "Infinity"}, 40_000),
        ("30 s", {"speed": -1}, 40_000),
        ("1 hour", {"duration_ms": 0, "position_ms": LIVE}, LIVE),
        ("timestamptz '4000-01-01 BC'", {"duration_ms": 0, "speed": 100, "position_ms": LIVE}, LIVE),
    ],
)
async def test_the_position_is_that_of_this_moment(
    supabase: Supabase, age: str, columns: dict[str, Any], expected: int | None
) -> None:
    await put(supabase, "100", age, **columns)
    await put(supabase, "200", "10 s")
    found = await now(supabase)
    assert found["200"] == pytest.approx(20_000, abs=1000)
    assert found["100"] == (None if expected is None else pytest.approx(expected, abs=1000))


async def test_a_row_reads_as_in_the_table_but_for_its_time(supabase: Supabase) -> None:
    """A reader that adds the time since `updated_at` itself is right too."""
    await put(supabase, "100", "30 s", track_title="song", application_id="9", revision=5)
    answer = await supabase.execute("""
        select s.updated_at = n.stamped_at, n.updated_at - s.updated_at between interval '30 s' and interval '31 s'
        from public.active_sessions as s join public.active_sessions_now as n using (guild_id)
    """)
    assert answer.strip() == "t|t"
    table = await supabase.rows("active_sessions")
    view: Any = json.loads(await supabase.execute("select json_agg(n) from public.active_sessions_now as n"))
    assert view[0].keys() == table[0].keys() | {"stamped_at"}
    for name in table[0].keys() - {"position_ms", "updated_at"}:
        assert view[0][name] == table[0][name]
