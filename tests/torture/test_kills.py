"""kill -9 at random moments of load: what was older than 250 ms is there exactly once, and nothing plays for ever."""

from __future__ import annotations

import asyncio
import contextlib
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sandbox.discord import Channel, Guild, Member
from services.store.books import read_books
from tests.e2e.conftest import Rows, Town
from tests.torture.conftest import FULL

KILLS = 50 if FULL else 3
"""Of each of the four parts that run beside each other."""
PARTS = range(4) if FULL else range(1)
ACCEPTED_S = 0.25
GUILDS = 6
TOLD = {"finished", "loadFailed", "stopped", "replaced"}
"""Ends that Lavalink tells the bot of."""


class Crowd:
    """A guild whose member plays, skips and asks without a pause."""

    def __init__(self, town: Town, number: int) -> None:
        self.guild: Guild = town.world.discord.add_guild(f"Crowd {number}", locale="en-US")
        self.room: Channel = self.guild.add_text_channel("room")
        self.voice: Channel = self.guild.add_voice_channel("voice")
        self.member: Member = self.guild.add_member(f"member{number}", locale="en-US")
        self.prompt = f"hi from member{number}."

    async def make_noise(self, chance: random.Random) -> None:
        """Until cancelled; whatever the bot does not answer is not missed."""
        await self.member.join(self.voice)
        while True:
            command, options = chance.choice(
                (
                    ("play", {"query": "morning"}),
                    ("play", {"query": "rainy"}),
                    ("skip", {}),
                    ("ask", {"prompt": self.prompt}),
                )
            )
            with contextlib.suppress(ValueError, PermissionError, TimeoutError, ConnectionError):
                use = await self.member.slash(command, options, channel=self.room)
                await use.answered(timeout=2)
            await asyncio.sleep(chance.uniform(0.02, 0.2))


@dataclass(frozen=True)
class Run:
    """A run of the bot from when it was ready to its kill; Unix seconds."""

    begun: float
    killed_at: float

    def holds(self, at: float, spare: float = ACCEPTED_S) -> bool:
        """Whether what happened `at` was in it, and accepted long enough before the kill."""
        return self.begun < at < self.killed_at - spare


def check_calls(town: Town, crowds: list[Crowd], runs: list[Run], usages: Rows) -> int:
    """Each call to Gemini has its row, which is older than it: compared by run and member. How many were held up."""
    asked: Counter[tuple[int, str]] = Counter()
    booked: Counter[tuple[int, str]] = Counter()
    for number, run in enumerate(runs):
        for crowd in crowds:
            place = (number, str(crowd.member.id))
            asked[place] = sum(
                run.holds(call.began_at) and crowd.prompt in call.prompt for call in town.world.gemini.account.calls
            )
            booked[place] = sum(
                row["user_id"] == place[1] and run.holds(datetime.fromisoformat(row["created_at"]).timestamp(), 0)
                for row in usages
            )
    assert {place: (count, booked[place]) for place, count in asked.items() if count > booked[place]} == {}
    return asked.total()


def check_ends(town: Town, runs: list[Run], plays: Rows) -> int:
    """Each end that Lavalink told has its time and reason; how many there were.

    The play has to be of the same run: what plays on after a kill ends in a session that nobody listens to any more.
    """
    told = {
        str(play.user_data["play_id"])
        for play in town.world.lavalink.account.plays
        if play.end_reason in TOLD
        and any(run.begun < play.started_at and run.holds(play.ended_at or 0.0) for run in runs)
    }
    rows = {row["event_id"]: row for row in plays}
    open_ = [rows.get(play_id) for play_id in told if not (rows.get(play_id) or {}).get("ended_at")]
    assert open_ == []
    assert all(rows[play_id]["end_reason"] not in {None, "lost"} for play_id in told)
    return len(told)


def check_books(town: Town) -> None:
    with sqlite3.connect(Path(town.environment["DATA_DIR"]) / "bot.db", isolation_level=None) as store:
        books = read_books(store)
    store.close()
    assert all(book.balanced for book in books.values()), books


@pytest.mark.timeout(1_000)
@pytest.mark.parametrize("part", PARTS)
async def test_what_was_accepted_survives_kill_minus_nine(
    quiet_town: Town, part: int, seed: int, shown: Callable[..., None]
) -> None:
    town, chance = quiet_town, random.Random(seed + part)
    # Discord lets a bot identify every 5 s; here more kills are worth more than that.
    town.world.discord.limit(False)
    crowds = [Crowd(town, number) for number in range(GUILDS)]
    doomed: set[str] = set()
    runs: list[Run] = []
    for _ in range(KILLS):
        await town.bot.start()
        await town.bot.started()
        ready_at = time.time()
        noise = [asyncio.create_task(crowd.make_noise(random.Random(chance.random()))) for crowd in crowds]
        await asyncio.sleep(chance.uniform(0.3, 2.5))  # the moment of the kill is what is tried out
        runs.append(Run(ready_at, time.time()))
        await town.bot.kill()
        killed_at = time.time()
        for task in noise:
            task.cancel()
        await asyncio.gather(*noise, return_exceptions=True)
        doomed |= {
            str(play.user_data["play_id"])
            for play in town.world.lavalink.account.plays
            if killed_at - ACCEPTED_S < play.started_at < killed_at
        }
        await town.world.discord.bot_gone()
    begun = datetime.now(UTC)
    await town.bot.start()
    await town.bot.started()

    def is_ready(rows: Rows) -> bool:
        return any("Started" in row["message"] and datetime.fromisoformat(row["created_at"]) > begun for row in rows)

    await town.rows("bot_logs", is_ready, timeout=20)
    # No ghost: nobody plays in the last run.
    await town.rows("active_sessions", lambda rows: not rows, timeout=20)
    await town.bot.terminate()
    history = await town.supabase.rows("music_history")
    plays = [row["event_id"] for row in history]
    started = {str(play.user_data["play_id"]) for play in town.world.lavalink.account.plays}
    assert len(plays) == len(set(plays))
    assert len(started - doomed) >= KILLS
    assert started - doomed - set(plays) == set()
    usages = await town.supabase.rows("gemini_usage")
    assert len({row["event_id"] for row in usages}) == len(usages) >= len(town.world.gemini.account.calls)
    assert all(row["status"] != "open" for row in usages)
    billed = sum(row["total_tokens"] for row in usages if not row["estimated"])
    assert billed <= town.world.gemini.account.total_tokens
    calls = check_calls(town, crowds, runs, usages)
    ends = check_ends(town, runs, history)
    check_books(town)
    shown(kills=KILLS, plays=len(plays), ends=ends, requests_to_Gemini=calls, lost=0, ghosts=0)
