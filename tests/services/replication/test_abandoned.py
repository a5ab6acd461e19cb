"""A call that a lost disk left open in Supabase is settled as an estimate, and no other row is touched."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from sandbox.supabase import Supabase
from services.recorder import Recorder
from services.replication import Replicator
from services.rows import Usage
from services.store import Store
from tests.samples import now, usage
from tests.services.replication.drained import drained

LONG_AGO, OF_LATE = timedelta(days=70), timedelta(minutes=50)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.replication.abandoned.LOOK_SECONDS", 0.05)


def opened(ago: timedelta = timedelta(hours=2), **columns: object) -> Usage:
    return usage(status="open", created_at=now() - ago, **columns)


async def delivered(store: Store, supabase: Supabase, *rows: Usage) -> None:
    """By a store that looks for nothing itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("services.replication.abandoned.LOOK_SECONDS", 3600.0)
        async with Replicator(store, supabase.url, supabase.service_role_key):
            for row in rows:
                Recorder(store).record(row)
            await drained(store)


async def another_bot_looks(folder: Path, supabase: Supabase) -> None:
    async with Store(folder) as store, Replicator(store, supabase.url, supabase.service_role_key):
        await looked(supabase)


async def looked(supabase: Supabase) -> None:
    """One whole look that began after this was called."""
    began = len(supabase.requests)
    await supabase.until(lambda: sum(each.method == "PATCH" for each in supabase.requests[began:]) >= 2)


async def test_what_a_lost_disk_left_open_is_an_estimate_once_it_is_an_hour_old(
    tmp_path: Path, supabase: Supabase
) -> None:
    cost = {"prompt_tokens": 5, "completion_tokens": 4, "total_tokens": 9}
    ended = usage(status="settled", created_at=now() - LONG_AGO, **cost)
    failed = usage(status="failed", created_at=now() - LONG_AGO)
    late, older, private = opened(OF_LATE), opened(LONG_AGO), opened(guild_id=None)
    async with Store(tmp_path / "gone") as store:
        await delivered(store, supabase, ended, failed, late, older, private)
    # An older bot's row has no status.
    await supabase.execute(
        "insert into public.gemini_usage (total_tokens, created_at) values (3, now() - interval '1 day')"
    )
    before = {row["event_id"]: row for row in await supabase.rows("gemini_usage")}
    await another_bot_looks(tmp_path, supabase)
    after = {row["event_id"]: row for row in await supabase.rows("gemini_usage")}
    assert {key for key in after if after[key] != before[key]} == {older.event_id, private.event_id}
    for call in (older, private):
        assert after[call.event_id] == before[call.event_id] | {"status": "settled", "estimated": True}


async def test_a_store_that_was_only_cut_off_still_knows_better(tmp_path: Path, supabase: Supabase) -> None:
    call = opened()
    async with Store(tmp_path / "cut off") as store:
        await delivered(store, supabase, call)
        await another_bot_looks(tmp_path, supabase)
        (row,) = await supabase.rows("gemini_usage")
        assert (row["status"], row["estimated"]) == ("settled", True)
        await delivered(
            store, supabase, replace(call, status="settled", prompt_tokens=5, completion_tokens=4, total_tokens=9)
        )
        await another_bot_looks(tmp_path, supabase)
    (row,) = await supabase.rows("gemini_usage")
    assert (row["status"], row["estimated"], row["total_tokens"]) == ("settled", False, 9)


async def test_a_look_that_fails_holds_up_nothing_and_is_repeated(tmp_path: Path, supabase: Supabase) -> None:
    async with Store(tmp_path / "gone") as store:
        await delivered(store, supabase, opened())
    await supabase.execute("revoke update on public.gemini_usage from service_role")
    async with Store(tmp_path) as store, Replicator(store, supabase.url, supabase.service_role_key) as replicator:
        await looked(supabase)
        assert (await supabase.rows("gemini_usage"))[0]["status"] == "open"
        assert (replicator.paused, replicator.failing) == ([], None)
        await supabase.execute("grant update on public.gemini_usage to service_role")
        await supabase.until(lambda: settled(supabase))


async def settled(supabase: Supabase) -> bool:
    return (await supabase.rows("gemini_usage"))[0]["status"] == "settled"
