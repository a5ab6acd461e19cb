"""What a killed bot left open is closed by the next one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from services.recorder import Recorder
from services.recovery import close_sessions, lose_plays, lost_play, lost_plays, read_leftovers, settle_usages
from services.rows import Play, Usage
from services.store import Store
from tests.fakes import MemoryRecorder
from tests.samples import now, play, session, usage


async def test_what_is_open_is_closed_and_what_lives_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.recovery.LOST_SECONDS", 0)
    begun = now() - timedelta(minutes=1)
    rows = [
        play(guild_id="1", track_title="A", created_at=begun),
        play(guild_id="2", track_title="B", created_at=begun),
        play(guild_id="3", created_at=begun, ended_at=begun, end_reason="finished", played_ms=1),
    ]
    async with Store(tmp_path) as store:
        recorder = Recorder(store)
        for row in rows:
            recorder.record(row)
        recorder.record(session("1", track_title="A", position_ms=30_000, updated_at=begun + timedelta(seconds=31)))
        recorder.record(session("2", track_title="B"))
        recorder.record(usage(status="open"))
        await recorder.commit(usage(status="settled", total_tokens=9))
    async with Store(tmp_path) as store:
        leftovers = await read_leftovers(store)
    after = MemoryRecorder()
    settle_usages(after, leftovers)
    (asked,) = after.rows.values()
    assert isinstance(asked, Usage)
    assert (asked.status, asked.estimated, asked.total_tokens) == ("settled", True, 0)
    after.rows.clear()
    close_sessions(after, leftovers, {"2"})
    assert after.history[-1] == "1"
    await lose_plays(after, leftovers, lambda: {rows[1].event_id})
    (lost,) = after.rows.values()
    assert isinstance(lost, Play)
    assert (lost.event_id, lost.end_reason, lost.played_ms) == (rows[0].event_id, "lost", 30_000)
    assert lost.ended_at == begun + timedelta(seconds=31)


def test_a_session_is_that_of_the_newest_play_alone() -> None:
    """Killed twice, in the same track."""
    first, second = (play(guild_id="1", track_title="A", created_at=now() - timedelta(minutes=age)) for age in (2, 1))
    seen = session("1", track_title="A", position_ms=5_000, updated_at=second.created_at + timedelta(seconds=5))
    lost = {row.event_id: row for row in lost_plays([second, first], [seen])}
    assert (lost[first.event_id].ended_at, lost[first.event_id].played_ms) == (first.created_at, 0)
    assert (lost[second.event_id].ended_at, lost[second.event_id].played_ms) == (seen.updated_at, 5_000)


async def test_a_second_kill_does_not_take_what_the_first_restart_knew(tmp_path: Path) -> None:
    """Within the 60 s the play is still open, and its session is gone; another play may have begun by then."""
    row = play(guild_id="1", track_title="A", created_at=now() - timedelta(minutes=1))
    seen = session("1", track_title="A", position_ms=30_000, updated_at=row.created_at + timedelta(seconds=31))
    again = play(guild_id="1", track_title="A")
    async with Store(tmp_path) as store:
        recorder = Recorder(store)
        recorder.record(row)
        recorder.record(seen)
    async with Store(tmp_path) as store:
        recorder = Recorder(store)
        close_sessions(recorder, await read_leftovers(store), ())
        recorder.record(again)
        recorder.record(replace(seen, position_ms=2_000, updated_at=again.created_at + timedelta(seconds=2)))
    async with Store(tmp_path) as store:
        lost = {each.event_id: each for each in (await read_leftovers(store)).plays}
    assert (lost[row.event_id].played_ms, lost[row.event_id].ended_at) == (30_000, seen.updated_at)
    assert lost[again.event_id].played_ms == 2_000


async def test_a_session_seen_since_knows_better_than_an_earlier_start(tmp_path: Path) -> None:
    """A play that was taken up again and then killed once more."""
    row = play(guild_id="1", track_title="A", created_at=now() - timedelta(minutes=20))
    seen = session("1", track_title="A", position_ms=30_000, updated_at=row.created_at + timedelta(seconds=31))
    async with Store(tmp_path) as store:
        recorder = Recorder(store)
        recorder.record(row)
        recorder.record(seen)
    async with Store(tmp_path) as store:
        await read_leftovers(store)
        recorder = Recorder(store)
        recorder.record(replace(seen, position_ms=630_000, updated_at=row.created_at + timedelta(seconds=640)))
    async with Store(tmp_path) as store:
        [lost] = (await read_leftovers(store)).plays
    assert (lost.played_ms, lost.ended_at) == (630_000, row.created_at + timedelta(seconds=640))


def test_no_more_is_said_to_be_heard_than_time_had_passed() -> None:
    row = play(track_title="A")
    seeked = session(track_title="A", position_ms=90_000, updated_at=row.created_at + timedelta(seconds=5))
    assert lost_play(row, seeked).played_ms == 5_000
    assert lost_play(row, session(track_title="another", position_ms=5)).played_ms == 0
    assert lost_play(row, None).played_ms == 0
