"""SIGTERM while a thousand servers play and Supabase hangs: out in five seconds, and nothing is lost."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.discord import Channel, Member
from services.store.books import read_books
from tests.e2e.conftest import Town
from tests.torture.conftest import FULL
from tests.torture.long_track import add_long_track

SESSIONS = 1_000 if FULL else 20
PAUSE_SECONDS = 0.35 if FULL else 0.05
"""Between two joins: Discord takes 120 commands a minute from a shard (its docs, "Rate Limiting")."""
STOP_SECONDS = 5.0


async def move_in(town: Town) -> list[tuple[Member, Channel]]:
    """Somebody in a voice channel of each of `SESSIONS` servers, with the room that they write in."""
    people: list[tuple[Member, Channel]] = []
    for number in range(SESSIONS):
        guild = town.world.discord.add_guild(f"Server {number}", locale="en-US")
        room, voice = guild.add_text_channel("room"), guild.add_voice_channel("voice")
        member = guild.add_member(f"member {number}", locale="en-US")
        await member.join(voice)
        people.append((member, room))
    return people


async def play_everywhere(people: list[tuple[Member, Channel]]) -> None:
    async def play(member: Member, room: Channel) -> None:
        use = await member.slash("play", {"query": "endless"}, channel=room)
        await use.answered(timeout=30)

    async with asyncio.TaskGroup() as playing:
        for member, room in people:
            playing.create_task(play(member, room))
            await asyncio.sleep(PAUSE_SECONDS)


@pytest.mark.timeout(900)
async def test_a_thousand_sessions_stop_in_time_with_supabase_hanging(
    quiet_town: Town, shown: Callable[..., None]
) -> None:
    town = quiet_town
    town.configure(POSITION_INTERVAL="10")
    add_long_track(town.world.music)
    people = await move_in(town)
    await town.bot.start()
    await town.bot.started(timeout=60)
    await play_everywhere(people)
    await town.rows("active_sessions", lambda rows: len(rows) == SESSIONS, timeout=120)
    loop = asyncio.get_running_loop()
    town.supabase.slow(60)
    begun = loop.time()
    assert await town.bot.terminate() == 0
    took = loop.time() - begun
    assert took < STOP_SECONDS
    with sqlite3.connect(Path(town.environment["DATA_DIR"]) / "bot.db", isolation_level=None) as store:
        assert all(book.balanced and not book.dropped for book in read_books(store).values())
        ended = store.execute("SELECT count(*) FROM music_history WHERE end_reason = 'shutdown'").fetchone()
    store.close()
    assert ended == (SESSIONS,)
    town.supabase.slow(0)
    await town.world.discord.bot_gone()
    await town.bot.start()
    await town.bot.started(timeout=60)
    await town.rows("active_sessions", lambda rows: not rows, timeout=60)
    plays = await town.rows("music_history", lambda rows: all(row["ended_at"] for row in rows), timeout=60)
    assert len({row["event_id"] for row in plays}) == len(plays) == SESSIONS
    shown(sessions=SESSIONS, s_to_stop=round(took, 1), rows_lost=0)
