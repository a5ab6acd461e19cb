"""Supabase on loopback: the real parts behind a gateway that answers, or fails, as the platform does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from sandbox.supabase import Request, SQLError, Supabase
from tests.real_parts import require_real_parts

PLAY = {"guild_id": "100", "track_title": "song"}


@pytest_asyncio.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        yield session


async def insert(http: aiohttp.ClientSession, supabase: Supabase, key: str | None = None, body: Any = PLAY) -> int:
    headers = {
        "apikey": key or supabase.service_role_key,
        "Authorization": f"Bearer {key or supabase.service_role_key}",
    }
    async with http.post(f"{supabase.url}/rest/v1/music_history", json=body, headers=headers) as response:
        return response.status


async def test_a_project_of_its_own_starts_empty_or_migrated() -> None:
    require_real_parts()
    async with Supabase.start() as migrated, Supabase.start(migrate=False) as empty:
        assert await migrated.rows("music_history") == []
        with pytest.raises(SQLError, match="does not exist"):
            await empty.rows("music_history")


async def test_rows_come_by_created_at_and_condition(supabase: Supabase) -> None:
    await supabase.execute("""
        insert into public.music_history (guild_id, track_title, created_at) values
            ('100', 'second', '2026-01-02'), ('100', 'first', '2026-01-01'), ('200', 'other', '2026-01-03')
    """)
    rows = await supabase.rows("music_history", "guild_id = '100'")
    assert [row["track_title"] for row in rows] == ["first", "second"]


async def test_every_kind_of_key_is_let_in_as_its_role(http: aiohttp.ClientSession, supabase: Supabase) -> None:
    assert await insert(http, supabase, supabase.service_role_key) == 201
    assert await insert(http, supabase, supabase.secret_key) == 201
    assert await insert(http, supabase, supabase.anon_key) == 401
    assert await insert(http, supabase, supabase.publishable_key) == 401


async def test_the_key_alone_stands_for_its_role(http: aiohttp.ClientSession, supabase: Supabase) -> None:
    url = f"{supabase.url}/rest/v1/music_history"
    for key in (supabase.service_role_key, supabase.secret_key):
        async with http.get(url, headers={"apikey": key}) as response:
            assert (response.status, await response.json()) == (200, [])


async def test_no_key_a_wrong_key_and_a_wrong_path_are_refused(http: aiohttp.ClientSession, supabase: Supabase) -> None:
    async with http.get(f"{supabase.url}/rest/v1/music_history") as response:
        assert (response.status, await response.json()) == (401, {"message": "No API key found in request"})
    assert await insert(http, supabase, "wrong") == 401
    async with http.get(f"{supabase.url}/music_history", headers={"apikey": supabase.service_role_key}) as response:
        assert response.status == 404


async def test_a_query_reaches_postgrest_as_it_was_written(http: aiohttp.ClientSession, supabase: Supabase) -> None:
    title = 'a+b & "c" ö, d'
    assert await insert(http, supabase, body=PLAY | {"track_title": title}) == 201
    async with http.get(
        f"{supabase.url}/rest/v1/music_history",
        params={"track_title": f"eq.{title}", "select": "track_title"},
        headers={"apikey": supabase.service_role_key},
    ) as response:
        assert await response.json() == [{"track_title": title}]


async def test_each_request_is_reported_with_its_rows(http: aiohttp.ClientSession, supabase: Supabase) -> None:
    await insert(http, supabase, body=[PLAY, PLAY])
    assert supabase.requests == [Request("POST", "/music_history", 2, 201)]


async def test_down_refuses_and_up_answers_on_the_same_port(http: aiohttp.ClientSession, supabase: Supabase) -> None:
    url = supabase.url
    assert await insert(http, supabase) == 201
    await supabase.down()
    with pytest.raises(aiohttp.ClientConnectionError):
        await insert(http, supabase)
    await supabase.up()
    assert supabase.url == url
    assert await insert(http, supabase) == 201
    assert len(await supabase.rows("music_history")) == 2


async def test_down_cuts_a_request_that_waits(http: aiohttp.ClientSession, supabase: Supabase) -> None:
    supabase.slow(60)
    waiting = asyncio.create_task(insert(http, supabase))
    await supabase.until(lambda: bool(supabase.open_requests))
    await supabase.down()
    with pytest.raises(aiohttp.ClientConnectionError):
        await waiting


async def test_slow_delays_each_request(http: aiohttp.ClientSession, supabase: Supabase) -> None:
    supabase.slow(0.2)
    begin = time.monotonic()
    assert await insert(http, supabase) == 201
    assert time.monotonic() - begin >= 0.2


async def test_half_open_it_takes_requests_and_answers_them_after_up(
    http: aiohttp.ClientSession, supabase: Supabase
) -> None:
    supabase.halfopen()
    waiting = asyncio.create_task(insert(http, supabase))
    await supabase.until(lambda: supabase.open_requests == 1)
    await asyncio.sleep(0.05)
    assert not waiting.done()
    await supabase.up()
    assert await waiting == 201


async def test_the_gateways_limit_refuses_so_many_requests(http: aiohttp.ClientSession, supabase: Supabase) -> None:
    supabase.ratelimit(2)
    assert [await insert(http, supabase) for _ in range(3)] == [429, 429, 201]


@pytest.mark.parametrize(("after_commit", "kept"), [(False, 0), (True, 1)])
async def test_reset_cuts_before_or_after_the_row_is_written(
    http: aiohttp.ClientSession, supabase: Supabase, after_commit: bool, kept: int
) -> None:
    supabase.reset(1, after_commit=after_commit)
    with pytest.raises(aiohttp.ClientConnectionError):
        await insert(http, supabase)
    assert len(await supabase.rows("music_history")) == kept
    assert await insert(http, supabase) == 201


async def test_answer_stands_in_for_postgrest(http: aiohttp.ClientSession, supabase: Supabase) -> None:
    supabase.answer(429, "slow down", {"Retry-After": "7"}, times=1)
    headers = {"apikey": supabase.service_role_key}
    async with http.get(f"{supabase.url}/rest/v1/music_history", headers=headers) as response:
        assert (response.status, response.headers["Retry-After"], await response.text()) == (
            429,
            "7",
            "slow down",
        )
    assert await insert(http, supabase) == 201


async def test_an_answer_without_an_end_lasts_until_up(http: aiohttp.ClientSession, supabase: Supabase) -> None:
    supabase.answer(503)
    assert [await insert(http, supabase) for _ in range(3)] == [503, 503, 503]
    await supabase.up()
    assert await insert(http, supabase) == 201


async def test_until_is_woken_by_each_request(http: aiohttp.ClientSession, supabase: Supabase) -> None:
    async def two_rows() -> bool:
        return len(await supabase.rows("music_history")) == 2

    waiting = asyncio.create_task(supabase.until(two_rows, 5))
    await insert(http, supabase)
    await insert(http, supabase)
    await waiting


async def test_until_names_the_last_requests_when_it_gives_up(supabase: Supabase) -> None:
    with pytest.raises(TimeoutError, match="the last requests"):
        await supabase.until(lambda: False, 0.01)


async def test_a_change_of_the_schema_reaches_postgrest(http: aiohttp.ClientSession, supabase: Supabase) -> None:
    await supabase.execute("alter table public.music_history add column mood text")

    async def known() -> bool:
        return await insert(http, supabase, body=PLAY | {"mood": "calm"}) == 201

    await supabase.until(known)
