"""A store that began empty gets back what an earlier disk held: once, without waiting, and nothing counted twice."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sandbox.supabase import Supabase
from services.recorder import Recorder
from services.replication import Replicator
from services.rows import State
from services.store import Store
from services.store.ledger import Month, Spent, month_usage
from tests.damage import damage
from tests.samples import entry, now, usage
from tests.services.replication.drained import drained

MODEL = "gemini-3.5-flash-lite"


def called(tokens: int, **columns: object):
    spent = {"prompt_tokens": tokens - 1, "completion_tokens": 1, "total_tokens": tokens}
    return usage(status="settled", **(spent | columns))


async def totals(store: Store, guild_id: str | None = None) -> dict[str, int]:
    """Tokens of this month by model."""
    spent = await store.read(lambda connection: month_usage(connection, now(), guild_id))
    return {model: each.total_tokens for model, each in spent.items()}


async def states(store: Store) -> dict[str, str]:
    return await store.read(lambda c: dict(map(tuple, c.execute("SELECT key, value FROM bot_state"))))


async def whole(replicator: Replicator) -> None:
    async with asyncio.timeout(10):
        while replicator.catching_up:
            await asyncio.sleep(0.01)


async def lived(folder: Path, supabase: Supabase, *rows: object) -> None:
    """An earlier disk, which has delivered `rows` and is gone."""
    async with Store(folder) as store, Replicator(store, supabase.url, supabase.service_role_key):
        for row in rows:
            Recorder(store).record(row)  # pyright: ignore[reportArgumentType] - rows of every kind
        await drained(store)


async def test_an_empty_store_gets_the_months_usage_and_the_states_back_once(
    tmp_path: Path, supabase: Supabase
) -> None:
    await lived(
        tmp_path / "gone",
        supabase,
        *(called(10) for _ in range(1_500)),
        called(7, guild_id="200"),
        called(5, guild_id=None, model="gemini-pro"),
        called(1_000, created_at=Month.of(now()).begin - timedelta(seconds=1)),
        State("settings:100", {"dj": True}),
    )
    # An older bot's rows have no event_id, and may lack what nobody gave them.
    await supabase.execute(
        "insert into public.gemini_usage (event_id, guild_id, total_tokens, model) values (null, '100', 3, 'old');"
        "insert into public.bot_state values ('theirs', '1', 5), ('deleted', null, 6);"
        "alter role authenticator set pgrst.db_max_rows = '1000'; notify pgrst, 'reload config'"
    )
    async with Store(tmp_path) as store:
        async with Replicator(store, supabase.url, supabase.service_role_key) as replicator:
            assert replicator.catching_up
            await whole(replicator)
            assert await totals(store) == {MODEL: 15_007, "gemini-pro": 5, "old": 3}
            assert await totals(store, "200") == {MODEL: 7}
            spent = await store.read(lambda connection: month_usage(connection, now(), "200"))
            assert spent == {MODEL: Spent(6, 1, 7)}
            assert await states(store) == {"settings:100": '{"dj":true}'}
            await drained(store)
            before = len(supabase.requests)
        async with Replicator(store, supabase.url, supabase.service_role_key) as replicator:
            await whole(replicator)
        assert not [request for request in supabase.requests[before:] if request.path == "/gemini_usage"]


async def test_what_is_in_the_store_is_not_counted_twice(tmp_path: Path, supabase: Supabase) -> None:
    await lived(tmp_path / "gone", supabase, called(10), called(20))
    async with Store(tmp_path) as store:
        recorder = Recorder(store)
        early = called(100)
        supabase.slow(0.3)
        async with Replicator(store, supabase.url, supabase.service_role_key) as replicator:
            recorder.record(early)  # is sent while the month is being read
            await whole(replicator)
            recorder.record(called(1_000))
            supabase.slow(0)
            await drained(store)
        assert await totals(store) == {MODEL: 1_130}


async def test_a_state_that_waits_or_is_newer_stays(tmp_path: Path, supabase: Supabase) -> None:
    await lived(tmp_path / "gone", supabase, State("a", {"of": "before"}), State("b", {"of": "before"}))
    async with Store(tmp_path) as store:
        await Recorder(store).commit(State("a", {"of": "now"}))
        async with Replicator(store, supabase.url, supabase.service_role_key) as replicator:
            await whole(replicator)
            await drained(store)
        assert await states(store) == {"a": '{"of":"now"}', "b": '{"of":"before"}'}
    assert {row["key"]: row["value"]["of"] for row in await supabase.rows("bot_state")} == {"a": "now", "b": "before"}


async def test_a_change_from_a_clock_that_is_behind_is_not_lost(tmp_path: Path, supabase: Supabase) -> None:
    """The last host's clock was a year ahead; what is changed before Supabase is reached must still win there."""
    await supabase.execute("insert into public.bot_state values ('k', '{\"of\": \"before\"}', 3900000000000000)")
    async with Store(tmp_path) as store:
        await Recorder(store).commit(State("k", {"of": "now"}))
        async with Replicator(store, supabase.url, supabase.service_role_key) as replicator:
            await whole(replicator)
            await drained(store)
        assert await states(store) == {"k": '{"of":"now"}'}
    (row,) = await supabase.rows("bot_state")
    assert row["value"] == {"of": "now"}


async def test_it_catches_up_after_an_outage_and_for_a_file_that_had_to_be_begun_anew(
    tmp_path: Path, supabase: Supabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.replication.restoration.LOOK_SECONDS", 0.05)
    monkeypatch.setattr("services.store.writer.RETRY_SECONDS", 0.05)
    await lived(tmp_path / "gone", supabase, called(10))
    await supabase.down()
    async with Store(tmp_path) as store, Replicator(store, supabase.url, supabase.service_role_key) as replicator:
        async with asyncio.timeout(10):
            while not replicator.failing:
                await asyncio.sleep(0.01)
        assert replicator.catching_up
        await supabase.up()
        await whole(replicator)
        Recorder(store).record(called(30))
        await drained(store)
        assert await totals(store) == {MODEL: 40}
        damage(store.path)
        Recorder(store).record(entry())
        async with asyncio.timeout(10):
            while store.files_begun == 1:
                await asyncio.sleep(0.01)
        assert replicator.catching_up
        await whole(replicator)
        assert await totals(store) == {MODEL: 40}


def test_a_month_is_a_calendar_month_in_utc() -> None:
    at = datetime.fromisoformat("2027-01-01T08:59:59+09:00")
    assert Month.of(at) == Month(datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    assert Month.of(at).name == "2026-12"
