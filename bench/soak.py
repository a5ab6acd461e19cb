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
from statistics import linear_regression, median

import psutil

from bench.figure import Figure
from sandbox.bot_process import BotProcess
from sandbox.discord import Channel, Member
from sandbox.world import World
from tests.services.lavalink.world import write_silence

SECONDS = float(os.environ.get("SOAK_SECONDS", "600"))
WARMING_UP = 1 / 3
"""Of the time: caches, pools and the allocator fill first."""
SERVERS, MEMBERS = 20, 4
PAUSE_S = 0.5
SAMPLE_S = 2.0
WAL_BYTES = 16 * 2**20

# About what people do in a server, in shares; a pause is taken back at once, so that the queue goes on.
Command = tuple[str, dict[str, object]]
_PLAY: Command = ("play", {"query": "short"})
_ASK: Command = ("ask", {"prompt": "What is playing?"})
_SEEK: Command = ("seek", {"position": "1"})
_BARE: tuple[Command, ...] = tuple((name, {}) for name in ("pause", "resume", "resume", "skip", "nowplaying", "queue"))
_DONE: tuple[Command, ...] = (_PLAY, _PLAY, _PLAY, _ASK, _ASK, _ASK, _SEEK, *_BARE)


@dataclass(frozen=True, slots=True)
class Sample:
    """What the process holds at a moment: seconds since the start, bytes, descriptors, bytes."""

    at: float
    rss: int
    descriptors: int
    wal: int


async def _live(members: list[Member], voice: Channel, room: Channel, chance: random.Random) -> None:
    for member in members:
        await member.join(voice)
    while True:
        command, options = chance.choice(_DONE)
        with contextlib.suppress(TimeoutError, ValueError, ConnectionError):
            use = await chance.choice(members).slash(command, options, channel=room)
            await use.answered(timeout=5)
        await asyncio.sleep(chance.uniform(0, 2 * PAUSE_S))


async def _sampled(process: psutil.Process, wal: Path, seconds: float) -> list[Sample]:
    begun, samples = time.monotonic(), list[Sample]()
    while (passed := time.monotonic() - begun) < seconds:
        size = wal.stat().st_size if wal.exists() else 0
        samples.append(Sample(passed, process.memory_info().rss, process.num_fds(), size))
        await asyncio.sleep(SAMPLE_S)
    return samples


async def _week(folder: Path) -> tuple[list[Sample], str]:
    music = folder / "music"
    music.mkdir()
    write_silence(music / "short.wav", 2_000)
    async with World(music) as world:
        settings = world.environment(folder / "data") | {"POSITION_INTERVAL": "1", "STATS_INTERVAL": "1"}
        async with BotProcess(settings, folder / "bot.log", world.discord) as bot:
            await bot.started()
            lives: list[asyncio.Task[None]] = []
            for number in range(SERVERS):
                guild = world.discord.add_guild(f"Server {number}", locale="en-US")
                voice, room = guild.add_voice_channel("voice"), guild.add_text_channel("room")
                members = [guild.add_member(f"member{number}-{each}", locale="en-US") for each in range(MEMBERS)]
                lives.append(asyncio.create_task(_live(members, voice, room, random.Random(number))))
            samples = await _sampled(psutil.Process(bot.pid), folder / "data" / "bot.db-wal", SECONDS)
            for life in lives:
                life.cancel()
            await asyncio.gather(*lives, return_exceptions=True)
        plays, calls = len(world.lavalink.account.plays), len(world.gemini.account.calls)
        where = "Supabase" if world.supabase else "no Supabase"
    return samples, f"{plays} plays, {calls} requests to Gemini in {SERVERS} servers, {SECONDS / 60:.0f} min, {where}"


async def soak() -> list[Figure]:
    """RSS an hour on, over RSS now; descriptors at the end over those before; the largest WAL over its bound."""
    with tempfile.TemporaryDirectory() as folder:
        samples, note = await _week(Path(folder))
    warm = [sample for sample in samples if sample.at >= SECONDS * WARMING_UP]
    slope, start = linear_regression([each.at for each in warm], [each.rss / 2**20 for each in warm])
    now = start + slope * SECONDS * WARMING_UP
    third = len(warm) // 3
    before, after = (median(each.descriptors for each in part) for part in (warm[:third], warm[-third:]))
    bound, wal = WAL_BYTES / 2**20, max(each.wal for each in samples) / 2**20
    return [
        Figure(
            "soak: RSS, and an hour later", now, now + slope * 3600, "MB", now / (now + slope * 3600), 1 / 1.01, note
        ),
        Figure("soak: descriptors, and at the end", before, after, "open", before / after, 1.0),
        Figure("soak: bound of the WAL, and its size", bound, wal, "MB", bound / wal, 1.0),
    ]
