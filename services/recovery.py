"""What an earlier run left open is closed: nothing shows as playing for ever, and no open call stays open."""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from services.recorder import Records
from services.rows import Play, Session, Usage
from services.store import Store
from services.store.tables import SESSIONS, TABLE_OF

log = logging.getLogger("bot.recovery")

LOST_SECONDS = 60.0
"""A play that was not resumed this long after READY is lost."""


LEFT_FACT = "left-plays"
"""The name in `local_facts`; its value is `{event_id: [ended_at, played_ms]}`, for a kill within those seconds."""


@dataclass(frozen=True, slots=True)
class Leftovers:
    """Rows that the last run could not finish."""

    plays: list[Play]
    """Each as it is to be recorded if it is not resumed: lost, with what is known of it."""
    sessions: list[Session]
    usages: list[Usage]


async def read_leftovers(store: Store) -> Leftovers:
    """What is open in the store; read before this run adds to it.

    What the sessions know of the plays is kept: the sessions go at READY, and the plays only later.
    """
    leftovers = await store.read(_read)
    known = {play.event_id: [str(play.ended_at), play.played_ms] for play in leftovers.plays}
    store.hand_over(lambda transaction: transaction.keep_fact(LEFT_FACT, json.dumps(known)))
    return leftovers


def _read(connection: sqlite3.Connection) -> Leftovers:
    def rows(row_type: Any, table: str, where: str) -> list[Any]:
        return [
            TABLE_OF[row_type].from_sql(record) for record in connection.execute(f"SELECT * FROM {table} WHERE {where}")
        ]

    sessions: list[Session] = rows(Session, SESSIONS.name, "deleted = 0")
    plays: list[Play] = rows(Play, "music_history", "ended_at IS NULL")
    fact = connection.execute("SELECT value FROM local_facts WHERE name = ?", (LEFT_FACT,)).fetchone()
    known: dict[str, tuple[str, int]] = json.loads(fact[0]) if fact else {}
    return Leftovers(
        plays=[_better_known(play, known.get(play.event_id)) for play in lost_plays(plays, sessions)],
        sessions=sessions,
        usages=rows(Usage, "gemini_usage", "status = 'open'"),
    )


def settle_usages(recorder: Records, leftovers: Leftovers) -> None:
    """A call whose answer nobody saw may have cost tokens: it is marked estimated, never guessed silently."""
    for usage in leftovers.usages:
        recorder.record(replace(usage, status="settled", estimated=True))


def close_sessions(recorder: Records, leftovers: Leftovers, live_guilds: Collection[str]) -> None:
    """After READY: sessions that do not live are gone."""
    for session in leftovers.sessions:
        if session.guild_id not in live_guilds:
            recorder.close_session(session.guild_id)


async def lose_plays(recorder: Records, leftovers: Leftovers, live_plays: Callable[[], Collection[str]]) -> None:
    """60 s after READY: plays that were not resumed are lost, with what is known of them."""
    if not leftovers.plays:
        return
    await asyncio.sleep(LOST_SECONDS)
    live = live_plays()
    lost = [play for play in leftovers.plays if play.event_id not in live]
    for play in lost:
        recorder.record(play)
    if lost:
        log.info("%d plays of an earlier run were lost with it", len(lost))


def lost_plays(plays: list[Play], sessions: list[Session]) -> list[Play]:
    """The open `plays` as the sessions of the same run know them."""
    session_of = {session.guild_id: session for session in sessions}
    # A session is that of its guild's newest play: another one of the same title may be left from a kill before.
    newest = {play.guild_id: play.event_id for play in sorted(plays, key=lambda play: play.created_at)}
    return [
        lost_play(play, session_of.get(play.guild_id) if newest[play.guild_id] == play.event_id else None)
        for play in plays
    ]


def lost_play(play: Play, session: Session | None) -> Play:
    """`play` as far as its last session row knows it: the position, but never more than the time that had passed."""
    if session is None or session.updated_at < play.created_at or session.track_title != play.track_title:
        return _lost(play, play.created_at, 0)
    passed = (session.updated_at - play.created_at) // timedelta(milliseconds=1)
    return _lost(play, session.updated_at, min(passed, session.position_ms))


def _better_known(play: Play, known: tuple[str, int] | None) -> Play:
    """The lost `play`, or what an earlier start knew of it where no session has been seen since."""
    if known is None or play.ended_at is None:
        return play
    ended_at = datetime.fromisoformat(known[0])
    return _lost(play, ended_at, known[1]) if ended_at > play.ended_at else play


def _lost(play: Play, ended_at: datetime, played_ms: int) -> Play:
    return replace(play, ended_at=ended_at, end_reason="lost", played_ms=played_ms)
