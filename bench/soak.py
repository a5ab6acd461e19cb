"""A week of events in ten minutes: the whole bot as a process, and what it keeps of memory, descriptors and disk."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import linear_regression

import psutil

from bench.figure import Bound, Figure
from sandbox.bot_process import BotProcess
from sandbox.world import World
from tests.silence import write_silence

SECONDS = float(os.environ.get("SOAK_SECONDS", "600"))
WARMING_UP = 1 / 3
"""Of the time: caches, pools and the allocator fill first."""
SERVERS, MEMBERS = 20, 4
PAUSE_S = 0.5
SAMPLE_S = 2.0
REST_S = 40.0
"""After so long without music idle connections are closed: aiohttp keeps them for 15 s, and looks every 15 s."""
WEEK_HOURS = 7 * 24
WAL_BYTES = 16 * 2**20

# About what people do in a server, in shares; a pause is taken back at once, so that the queue goes on.
Command = tuple[str, dict[str, object]]
_PLAY: Command = ("play", {"query": "short"})
_ASK: Command = ("ask", {"prompt": "What is playing?"})
_STOP: Command = ("stop", {})
_SEEK: Command = ("seek", {"position": "1"})
_BARE: tuple[Command, ...] = tuple((name, {}) for name in ("pause", "resume", "resume", "skip", "nowplaying", "queue"))
_DONE: tuple[Command, ...] = (_PLAY, _PLAY, _PLAY, _ASK, _ASK, _ASK, _SEEK, *_BARE)


@dataclass(frozen=True, slots=True)
class Sample:
    """What the process holds at a moment: seconds of the week so far, bytes, bytes."""

    at: float
    rss: int
    wal: int


class Week:
    """The bot under load, and what it holds while people act and while they rest."""

    def __init__(self, world: World, bot: BotProcess, wal: Path) -> None:
        self._world = world
        self._process = psutil.Process(bot.pid)
        self._wal = wal
        self._awake = asyncio.Event()
        self.samples: list[Sample] = []

    async def pass_by(self) -> tuple[int, int]:
        """Descriptors in the rest after the warming up, and in the rest at the end."""
        async with asyncio.TaskGroup() as lives:
            acting = [lives.create_task(self._live(number)) for number in range(SERVERS)]
            await self._sample(SECONDS * WARMING_UP)
            before = await self._rest()
            await self._sample(SECONDS)
            after = await self._rest()
            for life in acting:
                life.cancel()
        return before, after

    async def _live(self, number: int) -> None:
        chance = random.Random(number)
        guild = self._world.discord.add_guild(f"Server {number}", locale="en-US")
        voice, room = guild.add_voice_channel("voice"), guild.add_text_channel("room")
        members = [guild.add_member(f"member{number}-{each}", locale="en-US") for each in range(MEMBERS)]
        for member in members:
            await member.join(voice)
        while True:
            rests = not self._awake.is_set()
            command, options = _STOP if rests else chance.choice(_DONE)
            with contextlib.suppress(TimeoutError, ValueError, ConnectionError):
                use = await chance.choice(members).slash(command, options, channel=room)
                await use.answered(timeout=5)
            if rests:
                await self._awake.wait()
            await asyncio.sleep(chance.uniform(0, 2 * PAUSE_S))

    async def _sample(self, until: float) -> None:
        """Let people act until so many seconds of the week have passed."""
        self._awake.set()
        at = self.samples[-1].at if self.samples else 0.0
        begun = time.monotonic() - at
        while (at := time.monotonic() - begun) < until:
            wal = self._wal.stat().st_size if self._wal.exists() else 0
            self.samples.append(Sample(at, self._process.memory_info().rss, wal))
            await asyncio.sleep(SAMPLE_S)

    async def _rest(self) -> int:
        self._awake.clear()
        await asyncio.sleep(REST_S)
        return self._process.num_fds()


async def _week(folder: Path) -> tuple[list[Sample], tuple[int, int], str]:
    music = folder / "music"
    music.mkdir()
    write_silence(music / "short.wav", 2_000)
    async with World(music) as world:
        settings = world.environment(folder / "data") | {"POSITION_INTERVAL": "1", "STATS_INTERVAL": "5"}
        async with BotProcess(settings, folder / "bot.log", world.discord) as bot:
            await bot.started()
            week = Week(world, bot, folder / "data" / "bot.db-wal")
            descriptors = await week.pass_by()
        plays, calls = len(world.lavalink.account.plays), len(world.gemini.account.calls)
        where = "Supabase" if world.supabase else "no Supabase"
    note = f"{plays} plays, {calls} requests to Gemini in {SERVERS} servers, {SECONDS / 60:.0f} min, {where}"
    return week.samples, descriptors, note


async def soak() -> list[Figure]:
    """RSS at the end over RSS after the warming up; descriptors before and after; the largest WAL over its bound."""
    with tempfile.TemporaryDirectory() as folder:
        samples, (before, after), note = await _week(Path(folder))
    warm = [sample for sample in samples if sample.at >= SECONDS * WARMING_UP]
    slope, start = linear_regression([each.at for each in warm], [each.rss / 2**20 for each in warm])
    now, end = start + slope * warm[0].at, start + slope * warm[-1].at
    hourly = Bound("growth in an hour of the week, %:", slope * SECONDS / WEEK_HOURS / now * 100, 1)
    bound, wal = WAL_BYTES / 2**20, max(each.wal for each in samples) / 2**20
    grown = f"{(end / now - 1) * 100:+.1f} % in the last two thirds of the week; {note}"
    return [
        Figure("soak: RSS, and at the end", now, end, "MB", now / end, 1 / 1.03, grown, (hourly,)),
        Figure("soak: descriptors, and at the end", before, after, "open", before / after, 1.0, "at rest"),
        Figure("soak: bound of the WAL, and its size", bound, wal, "MB", bound / wal, 1.0),
    ]
