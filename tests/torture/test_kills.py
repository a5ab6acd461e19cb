"""kill -9 at random moments of load: what was older than 250 ms is there exactly once, and nothing plays for ever."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from sandbox.discord import Channel, Guild, Member
from tests.e2e.conftest import Rows, Town
from tests.torture.conftest import FULL

KILLS = 50 if FULL else 3
"""Of each of the four parts that run beside each other."""
PARTS = range(4) if FULL else range(1)
ACCEPTED_S = 0.25
GUILDS = 6


class Crowd:
    """A guild whose member plays, skips and asks without a pause."""

    def __init__(self, town: Town, number: int) -> None:
        self.guild: Guild = town.world.discord.add_guild(f"Crowd {number}", locale="en-US")
        self.room: Channel = self.guild.add_text_channel("room")
        self.voice: Channel = self.guild.add_voice_channel("voice")
        self.member: Member = self.guild.add_member(f"member{number}", locale="en-US")

    async def make_noise(self, chance: random.Random) -> None:
        """Until cancelled; whatever the bot does not answer is not missed."""
        await self.member.join(self.voice)
        while True:
            command, options = chance.choice(
                (("play", {"query": "morning"}), ("play", {"query": "rainy"}), ("skip", {}), ("ask", {"prompt": "hi"}))
            )
            with contextlib.suppress(ValueError, PermissionError, TimeoutError, ConnectionError):
                use = await self.member.slash(command, options, channel=self.room)
                await use.answered(timeout=2)
            await asyncio.sleep(chance.uniform(0.02, 0.2))


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
    for _ in range(KILLS):
        await town.bot.start()
        await town.bot.started()
        noise = [asyncio.create_task(crowd.make_noise(random.Random(chance.random()))) for crowd in crowds]
        await asyncio.sleep(chance.uniform(0.3, 2.5))  # the moment of the kill is what is tried out
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
    plays = [row["event_id"] for row in await town.supabase.rows("music_history")]
    started = {str(play.user_data["play_id"]) for play in town.world.lavalink.account.plays}
    assert len(plays) == len(set(plays))
    assert len(started - doomed) >= KILLS
    assert started - doomed - set(plays) == set()
    usages = await town.supabase.rows("gemini_usage")
    assert len({row["event_id"] for row in usages}) == len(usages) >= len(town.world.gemini.account.calls)
    assert all(row["status"] != "open" for row in usages)
    billed = sum(row["total_tokens"] for row in usages if not row["estimated"])
    assert billed <= town.world.gemini.account.total_tokens
    shown(kills=KILLS, plays=len(plays), requests_to_Gemini=len(usages), lost=0, ghosts=0)
