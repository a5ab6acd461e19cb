"""A stand-in as a process of its own on one core: `python -m tests.sandbox.alone NAME FOLDER`.

It prints one line of JSON once it listens, and then does what it is told line by line, until its standard input
ends. FOLDER has what it keeps, and the music.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

SERVERS = 1_000
A_SECOND_SAID = 250
_A_TURN = 10

Told: TypeAlias = Callable[[], Awaitable[None]]


async def _nothing() -> None:
    return


@asynccontextmanager
async def discord(_: Path) -> AsyncGenerator[tuple[dict[str, Any], Told]]:
    """With so many servers; told, someone says a word in each of them, A_SECOND_SAID a second."""
    from sandbox.discord import DiscordStandIn

    async with DiscordStandIn(limits=True) as standin:
        guilds = [standin.add_guild(f"server {number}") for number in range(SERVERS)]
        places = [(guild.add_member("alice"), guild.add_text_channel("general")) for guild in guilds]

        async def told() -> None:
            for at in range(0, SERVERS, _A_TURN):
                for member, channel in places[at : at + _A_TURN]:
                    await member.say(channel, "hello")
                await asyncio.sleep(_A_TURN / A_SECOND_SAID)

        said = {"api": standin.api_url, "gateway": standin.gateway_url, "token": standin.token}
        yield said | {"channels": [str(channel.id) for _, channel in places[:100]]}, told


@asynccontextmanager
async def lavalink(folder: Path) -> AsyncGenerator[tuple[dict[str, Any], Told]]:
    from sandbox.lavalink import LavalinkStandIn

    async with LavalinkStandIn(music=folder) as standin:
        yield {"address": standin.base_url, "track": standin.file_url("long.wav")}, _nothing


@asynccontextmanager
async def gemini(_: Path) -> AsyncGenerator[tuple[dict[str, Any], Told]]:
    from sandbox.gemini import GeminiStandIn

    async with GeminiStandIn():
        yield {}, _nothing


@asynccontextmanager
async def voice(folder: Path) -> AsyncGenerator[tuple[dict[str, Any], Told]]:
    from sandbox.discord_voice import VoiceServer, kept_authority

    async with VoiceServer(lambda _: None, 1, authority=kept_authority(folder)):
        yield {}, _nothing


@asynccontextmanager
async def supabase(_: Path) -> AsyncGenerator[tuple[dict[str, Any], Told]]:
    """Its gateway; PostgreSQL and PostgREST behind it are real ones."""
    import aiohttp

    from sandbox.supabase.gateway import Gateway

    async with aiohttp.ClientSession() as postgrest, Gateway.start(postgrest, {}):
        yield {}, _nothing


STAND_INS = {each.__name__: each for each in (discord, lavalink, gemini, voice, supabase)}


async def main(name: str, folder: Path) -> None:
    # Once for all that it imports, which on a busy machine takes as long as that lets it.
    async with STAND_INS[name](folder):
        cpu_s = time.process_time()
    begun = time.perf_counter()
    async with STAND_INS[name](folder) as (said, told):
        took = {"cpu_s": cpu_s, "start_s": time.perf_counter() - begun}
        print(json.dumps(said | took), flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            await told()


if __name__ == "__main__":
    if sys.platform == "linux":
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
