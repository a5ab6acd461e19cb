"""What the store has reaches a real PostgREST on a real PostgreSQL: once, whole, newest, whatever happens."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

import pytest

from sandbox.supabase import Supabase
from services.recorder import Recorder
from services.replication import Replicator
from services.rows import Stat, State
from services.store import Store
from services.store.books import read_books
from tests.samples import entry, new_id, now, play, session, usage
from tests.services.replication.drained import BEGINNING, drained


@pytest.mark.usefixtures("replicator")
async def test_every_kind_of_row_arrives_with_the_meaning_it_had(store: Store, supabase: Supabase) -> None:
    recorder = Recorder(store)
    heard = play(track_title="朝の光", ended_at=now(), end_reason="finished", played_ms=8_000)
    asked = usage(
        guild_id=None, prompt_tokens=3, completion_tokens=4, total_tokens=20, status="settled", estimated=True
    )
    stat = Stat(new_id(), now(), 12.5, 100.25, 900.0, None, 7)
    for row in (
        heard,
        asked,
        stat,
        entry("started"),
        session("5", position_ms=1_500),
        State("settings:5", {"dj": ["a", None]}),
    ):
        recorder.record(row)
    await drained(store)
    (row,) = await supabase.rows("music_history")
    assert (row["event_id"], row["track_title"], row["played_ms"], row["end_reason"]) == (
        heard.event_id,
        "朝の光",
        8_000,
        "finished",
    )
    (row,) = await supabase.rows("gemini_usage")
    assert (row["guild_id"], row["total_tokens"], row["status"], row["estimated"]) == (
        None,
        20,
        "settled",
        True,
    )
    (row,) = await supabase.rows("system_stats")
    assert (row["cpu_usage"], row["ping_gateway"], row["ping_lavalink"]) == (12.5, None, 7)
    (row,) = await supabase.rows("active_sessions")
    assert (row["guild_id"], row["position_ms"], row["is_playing"], row["application_id"]) == (
        "5",
        1_500,
        True,
        "1",
    )
    (row,) = await supabase.rows("bot_state")
    assert row["value"] == {"dj": ["a", None]}
    (row,) = await supabase.rows("bot_logs")
    assert (row["level"], row["message"]) == ("INFO", "started")


async def test_a_backlog_goes_in_bulk(store: Store, supabase: Supabase) -> None:
    recorder = Recorder(store)
    for number in range(1_200):
        recorder.record(entry(f"message {number}"))
    async with Replicator(store, supabase.url, supabase.service_role_key):
        await drained(store)
    assert len({row["message"] for row in await supabase.rows("bot_logs")}) == 1_200
    assert sum(request.path == "/bot_logs" for request in supabase.requests) <= 6


@pytest.mark.usefixtures("replicator")
async def test_an_answer_lost_after_the_write_doubles_nothing(store: Store, supabase: Supabase) -> None:
    await supabase.until(lambda: len(supabase.requests) >= BEGINNING)
    supabase.reset(2, after_commit=True)
    recorder = Recorder(store)
    row = play()
    recorder.record(row)
    recorder.record(session("5"))
    await drained(store)
    assert [kept["event_id"] for kept in await supabase.rows("music_history")] == [row.event_id]
    assert len(await supabase.rows("active_sessions")) == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, '{"code": "XX000", "message": "internal"}'),
        (429, "slow down"),
        (522, "<html>a gateway's page</html>"),
        (500, '{"code": "57014", "message": "canceling statement due to statement timeout"}'),
        (402, '{"message": "restricted"}'),
        (405, '{"code": "25006", "message": "cannot execute INSERT in a read-only transaction"}'),
    ],
)
async def test_nothing_is_lost_or_set_aside_by_what_passes(
    store: Store, supabase: Supabase, replicator: Replicator, status: int, body: str
) -> None:
    await supabase.until(lambda: len(supabase.requests) >= BEGINNING)
    supabase.answer(status, body, times=3)
    recorder = Recorder(store)
    rows = [play() for _ in range(20)]
    for row in rows:
        recorder.record(row)
    await drained(store)
    assert {kept["event_id"] for kept in await supabase.rows("music_history")} == {row.event_id for row in rows}
    assert (await store.read(read_books))["music_history"].set_aside == 0
    assert replicator.paused == []
    assert replicator.failing is None


@pytest.mark.usefixtures("replicator")
async def test_an_outage_loses_nothing_and_the_newest_wins(store: Store, supabase: Supabase) -> None:
    recorder = Recorder(store)
    row = play()
    recorder.record(row)
    recorder.record(session("5"))
    await drained(store)
    await supabase.down()
    recorder.record(replace(row, ended_at=now(), end_reason="stopped", played_ms=99))
    recorder.close_session("5")
    recorder.record(session("6"))
    await supabase.up()
    await drained(store)
    assert [kept["played_ms"] for kept in await supabase.rows("music_history")] == [99]
    assert [kept["guild_id"] for kept in await supabase.rows("active_sessions")] == ["6"]


@pytest.mark.usefixtures("replicator")
async def test_one_poisonous_row_is_set_aside_and_the_others_arrive(store: Store, supabase: Supabase) -> None:
    await supabase.execute("alter table public.gemini_usage add constraint poison check (model <> 'poison')")
    recorder = Recorder(store)
    rows = [usage(model="poison" if number == 250 else "good") for number in range(500)]
    for row in rows:
        recorder.record(row)
    await drained(store)
    assert len(await supabase.rows("gemini_usage")) == 499
    book = (await store.read(read_books))["gemini_usage"]
    assert (book.set_aside, book.waiting) == (1, 0)
    assert sum(request.path == "/gemini_usage" for request in supabase.requests) <= 20


async def test_a_missing_table_is_named_and_cured_without_a_restart(
    store: Store, supabase: Supabase, replicator: Replicator
) -> None:
    await supabase.until(lambda: len(supabase.requests) >= BEGINNING)
    await supabase.execute("alter table public.bot_logs rename to elsewhere; notify pgrst, 'reload schema'")
    recorder = Recorder(store)
    recorder.record(entry("kept"))
    recorder.record(play())
    await supabase.until(lambda: bool(replicator.paused))
    assert "bot_logs" in replicator.paused[0]
    assert "migrations/" in replicator.paused[0]
    await supabase.execute("alter table public.elsewhere rename to bot_logs; notify pgrst, 'reload schema'")
    await drained(store)
    assert replicator.paused == []
    assert [row["message"] for row in await supabase.rows("bot_logs") if row["message"] == "kept"] == ["kept"]
    assert len(await supabase.rows("music_history")) == 1


async def test_a_key_that_row_level_security_refuses_is_said(store: Store, supabase: Supabase) -> None:
    async with Replicator(store, supabase.url, supabase.anon_key) as replicator:
        Recorder(store).record(play())
        await supabase.until(lambda: bool(replicator.paused))
        assert "service role key" in replicator.paused[0]
    assert (await store.read(read_books))["music_history"].waiting == 1


@pytest.mark.usefixtures("replicator")
async def test_a_store_whose_clock_is_behind_still_wins_its_own_guild(
    store: Store, supabase: Supabase, replicator: Replicator
) -> None:
    await supabase.until(lambda: len(supabase.requests) >= BEGINNING)
    ahead = 3_900_000_000_000_000
    await supabase.execute(f"insert into public.session_revisions values ('5', {ahead})")
    replicator.reconcile("1", owns=lambda _: True, joined=lambda _: True, live=lambda: {"5"}, begun=lambda: {"5"})
    Recorder(store).record(session("5", track_title="mine"))
    await drained(store)
    (row,) = await supabase.rows("active_sessions")
    assert row["track_title"] == "mine"
    assert row["revision"] > ahead


@pytest.mark.usefixtures("replicator")
async def test_ghosts_of_an_earlier_run_go_and_others_rows_stay(
    store: Store, supabase: Supabase, replicator: Replicator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    item = "'track', 0, 1, true, now(), 1.0"
    await supabase.execute(
        "insert into public.active_sessions (guild_id, track_title, position_ms, duration_ms, is_playing, updated_at,"
        f" speed, application_id) values ('1', {item}, '1'), ('2', {item}, null), ('3', {item}, '99'),"
        f" ('4', {item}, '1'), ('5', {item}, '1'), ('6', {item}, null), ('7', {item}, '1')"
    )
    Recorder(store).record(session("5", track_title="alive"))
    replicator.reconcile(
        "1",
        owns=lambda guild_id: guild_id != "4",
        joined=lambda guild_id: guild_id != "6",
        live=lambda: {"5"},
        begun=lambda: {"5", "7"},
    )
    async with asyncio.timeout(10):
        while {row["guild_id"] for row in await supabase.rows("active_sessions")} != {"3", "4", "5", "6"}:
            await asyncio.sleep(0.02)
    await drained(store)
    # The session of 7 was of this run and has ended: only its deletion was on its way.
    assert "Sessions of an earlier run are removed: 2" in caplog.messages


async def test_leaving_flushes_what_waits_and_gives_up_in_time(
    store: Store, supabase: Supabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(store)
    async with Replicator(store, supabase.url, supabase.service_role_key):
        await supabase.until(lambda: len(supabase.requests) >= BEGINNING)
        recorder.record(play())
    assert len(await supabase.rows("music_history")) == 1
    monkeypatch.setattr("services.replication.replicator.FLUSH_SECONDS", 0.3)
    async with asyncio.timeout(3):
        async with Replicator(store, supabase.url, supabase.service_role_key):
            await supabase.until(lambda: len(supabase.requests) >= 4)
            supabase.slow(30)
            recorder.record(play())
    book = (await store.read(read_books))["music_history"]
    assert (book.accepted, book.waiting) == (2, 1)
