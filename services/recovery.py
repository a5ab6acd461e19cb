"""What an earlier run left open is closed: nothing shows as playing for ever, and no open call stays open."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from services.recorder import Records
from services.rows import Play, Session, Usage
from services.store import Store
from services.store.tables import SESSIONS, TABLE_OF

log = logging.getLogger("bot.recovery")

LOST_SECONDS = 60.0
"""A play that was not resumed this long after READY is lost."""


@dataclass(frozen=True, slots=True)
class Leftovers:
    """Rows that the last run could not finish."""

    plays: list[Play]
    sessions: list[Session]
    usages: list[Usage]


async def read_leftovers(store: Store) -> Leftovers:
    """What is open in the store; read before this run adds to it."""
    return await store.read(_read)


def _read(connection: sqlite3.Connection) -> Leftovers:
    def rows(row_type: Any, table: str, where: str) -> list[Any]:
        return [
            TABLE_OF[row_type].from_sql(record) for record in connection.execute(f"SELECT * FROM {table} WHERE {where}")
        ]

    return Leftovers(
        plays=rows(Play, "music_history", "ended_at IS NULL"),
        sessions=rows(Session, SESSIONS.name, "deleted = 0"),
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
    sessions = {session.guild_id: session for session in leftovers.sessions}
    # A session is that of its guild's newest play: another one of the same title may be left from a kill before.
    newest = {play.guild_id: play.event_id for play in sorted(leftovers.plays, key=lambda play: play.created_at)}
    lost = [
        lost_play(play, sessions.get(play.guild_id) if newest[play.guild_id] == play.event_id else None)
        for play in leftovers.plays
        if play.event_id not in live
    ]
    for play in lost:
        recorder.record(play)
    if lost:
        log.info("%d plays of an earlier run were lost with it", len(lost))


def lost_play(play: Play, session: Session | None) -> Play:
    """`play` as far as its last session row knows it: the position, but never more than the time that had passed."""
    if session is None or session.updated_at < play.created_at or session.track_title != play.track_title:
        return replace(play, ended_at=play.created_at, end_reason="lost", played_ms=0)
    passed = (session.updated_at - play.created_at) // timedelta(milliseconds=1)
    return replace(play, ended_at=session.updated_at, end_reason="lost", played_ms=min(passed, session.position_ms))
