"""Whatever somebody has to put right in Supabase, the bot names it, loses nothing, and goes on without a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.supabase import Supabase
from services.recorder import Recorder
from services.replication import Replicator
from services.rows import Play, Session, State, Usage
from services.store import Store
from services.store.books import read_books
from tests.samples import entry, now, play, session, usage
from tests.services.replication.conftest import quick
from tests.services.replication.drained import BEGINNING, drained

__all__ = ["quick"]

RELOAD = "; notify pgrst, 'reload schema'"
FAULTS = {
    "a missing table": (
        "alter table public.music_history rename to elsewhere",
        "alter table public.elsewhere rename to music_history",
        "migration",
    ),
    "a missing column": (
        "alter table public.music_history rename column played_ms to elsewhere",
        "alter table public.music_history rename column elsewhere to played_ms",
        "played_ms",
    ),
    "a missing function": (
        "alter function public.apply_sessions(jsonb) rename to elsewhere",
        "alter function public.elsewhere(jsonb) rename to apply_sessions",
        "migration",
    ),
    "a missing grant": (
        "revoke insert, update on public.gemini_usage from service_role",
        "grant insert, update on public.gemini_usage to service_role",
        "grants",
    ),
    "a missing right to a function": (
        "revoke execute on function public.apply_sessions from service_role",
        "grant execute on function public.apply_sessions to service_role",
        "apply_sessions",
    ),
    "a missing index": (
        "drop index public.bot_logs_event_id_key",
        "create unique index bot_logs_event_id_key on public.bot_logs (event_id)",
        "migration",
    ),
}
ANSWERS = {
    "a wrong key": (401, '{"message": "Invalid API key"}', "refuses the key"),
    "a full plan": (405, '{"code": "25006", "message": "cannot execute INSERT in a read-only transaction"}', "full"),
    "a restricted project": (402, '{"message": "exceeded its quota"}', "full"),
    "a paused project": (540, "", "dashboard"),
}


class Life:
    """Rows of every kind, some of them twice."""

    def __init__(self, store: Store) -> None:
        self._recorder = Recorder(store)
        self.plays: list[Play] = []
        self.usages: list[Usage] = []
        self.sessions: dict[str, Session] = {}

    def go_on(self) -> None:
        for number in range(20):
            self.plays.append(play())
            self._recorder.record(self.plays[-1])
            self.usages.append(usage())
            self._recorder.record(self.usages[-1])
            self.sessions[str(number)] = session(str(number), position_ms=len(self.plays))
            self._recorder.record(self.sessions[str(number)])
            self._recorder.record(entry(f"line {len(self.plays)}"))
        self.plays[0] = replace(self.plays[0], ended_at=now(), played_ms=len(self.plays))
        self._recorder.record(self.plays[0])
        self._recorder.record(State("settings", {"of": len(self.plays)}))

    async def arrived(self, supabase: Supabase) -> None:
        plays = await supabase.rows("music_history")
        assert {row["event_id"]: row["played_ms"] for row in plays} == {
            row.event_id: row.played_ms for row in self.plays
        }
        assert len(plays) == len(self.plays)
        assert {row["event_id"] for row in await supabase.rows("gemini_usage")} == {row.event_id for row in self.usages}
        lines = [row["message"] for row in await supabase.rows("bot_logs") if row["message"].startswith("line")]
        assert sorted(lines) == sorted(f"line {number}" for number in range(1, len(self.plays) + 1))
        assert {row["guild_id"]: row["position_ms"] for row in await supabase.rows("active_sessions")} == {
            guild_id: row.position_ms for guild_id, row in self.sessions.items()
        }
        (state,) = await supabase.rows("bot_state")
        assert state["value"] == {"of": len(self.plays)}


@pytest.mark.parametrize("fault", [*FAULTS, *ANSWERS])
async def test_what_somebody_has_to_cure_is_named_and_goes_on_by_itself(
    tmp_path: Path, supabase: Supabase, shown: Callable[..., None], fault: str
) -> None:
    async with Store(tmp_path) as store, Replicator(store, supabase.url, supabase.service_role_key) as replicator:
        await supabase.until(lambda: len(supabase.requests) >= BEGINNING)
        life = Life(store)
        life.go_on()
        await drained(store)
        if fault in FAULTS:
            harm, cure, words = FAULTS[fault]
            await supabase.execute(harm + RELOAD)
        else:
            status, body, words = ANSWERS[fault]
            cure = ""
            supabase.answer(status, body)
        await asyncio.sleep(0.1)  # PostgREST reads the schema again in its own time
        life.go_on()
        await supabase.until(lambda: bool(replicator.paused))
        assert all(words in reason for reason in replicator.paused), replicator.paused
        books = await store.read(read_books)
        assert all(book.balanced and not book.set_aside and not book.dropped for book in books.values())
        life.go_on()
        await supabase.up()
        await supabase.execute(cure + RELOAD)
        await drained(store)
        async with asyncio.timeout(5):
            while replicator.paused:  # said a moment after the last row has arrived
                await asyncio.sleep(0.01)
        books = await store.read(read_books)
        assert not any(book.set_aside or book.dropped for book in books.values())
    await life.arrived(supabase)
    shown(rows=len(life.plays) * 4, lost=0, restarts=0)


async def test_rows_edited_or_deleted_by_hand_break_nothing(
    tmp_path: Path, supabase: Supabase, shown: Callable[..., None]
) -> None:
    async with Store(tmp_path) as store, Replicator(store, supabase.url, supabase.service_role_key) as replicator:
        life = Life(store)
        life.go_on()
        await drained(store)
        await supabase.execute(
            "update public.music_history set track_title = 'by hand';"
            "update public.gemini_usage set total_tokens = null, user_id = 'by hand';"
            "delete from public.bot_logs; delete from public.active_sessions; delete from public.bot_state;"
            "delete from public.session_revisions where guild_id < '5';"
            f"delete from public.music_history where event_id = '{life.plays[0].event_id}'"
        )
        edited = await supabase.rows("music_history")
        assert {row["track_title"] for row in edited} == {"by hand"}
        recorder = Recorder(store)
        for number, row in enumerate(life.plays):
            life.plays[number] = replace(row, ended_at=now(), played_ms=7)
            recorder.record(life.plays[number])
        for row in life.sessions.values():
            recorder.record(row)
        recorder.record(State("settings", {"of": len(life.plays)}))
        await drained(store)
        async with asyncio.timeout(5):
            while replicator.paused:  # said a moment after the last row has arrived
                await asyncio.sleep(0.01)
        books = await store.read(read_books)
        assert not any(book.set_aside or book.dropped for book in books.values())
    rows = await supabase.rows("music_history")
    assert {row["event_id"]: (row["track_title"], row["played_ms"]) for row in rows} == {
        row.event_id: (row.track_title, 7) for row in life.plays
    }
    assert len(await supabase.rows("active_sessions")) == len(life.sessions)
    assert len(await supabase.rows("bot_state")) == 1
    # What the bot does not write again stays as the person left it.
    assert {row["user_id"] for row in await supabase.rows("gemini_usage")} == {"by hand"}
    shown(rows_edited_or_deleted=4 * len(life.plays) + 1, rows_lost=0)
