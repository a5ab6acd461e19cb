"""The bot as a process in a world of its own; whatever it does there, it does through the contract alone."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from sandbox.bot_process import BotProcess
from sandbox.discord import Interaction
from sandbox.supabase import Supabase, missing_real_parts
from sandbox.world import World
from tests import discord_openapi
from tests.real_parts import require_real_parts

Rows = list[dict[str, Any]]
BROKEN_REQUEST = {400, 405, 415, 500}
"""What a Lavalink answers to a request that is wrong in itself."""


class Town:
    """A world with the bot in it, and the few ways in which tests look at both."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self._folder = folder
        self._memory = discord_openapi.Memory(world.discord)
        self.environment = world.environment(folder / "data")
        self.configure(POSITION_INTERVAL="1", STATS_INTERVAL="2")
        self.expects_trouble = False
        """Set by a test that makes the bot log a traceback on purpose."""

    def configure(self, **variables: str) -> None:
        """Settings of the next bot that is started."""
        self.environment |= variables
        self.bot = BotProcess(self.environment, self._folder / "bot.log", self.world.discord)

    @property
    def supabase(self) -> Supabase:
        """The project; a test that asks for it needs the real parts."""
        if self.world.supabase is None:
            require_real_parts()
            raise AssertionError("the world has no Supabase")
        return self.world.supabase

    async def ask(self, command: str, who: str = "alice", **options: object) -> Interaction:
        """A member's slash command in #general, answered."""
        member = getattr(self.world, who)
        use = await member.slash(command, options, channel=self.world.general)
        await use.answered(timeout=10)
        assert not use.failed, "The application did not respond"
        return use

    async def play(self, query: str = "morning") -> Interaction:
        """`/play` by alice in the voice channel, and the track has begun to sound."""
        if self.world.alice.voice_channel is None:
            await self.world.alice.join(self.world.voice)
        use = await self.ask("play", query=query)
        await self.world.lavalink.until(lambda: any(p.state()["connected"] for p in self.players()), 10)
        return use

    def players(self) -> list[Any]:
        return self.world.lavalink.players()

    async def rows(self, table: str, holds: Callable[[Rows], bool] = bool, timeout: float = 10) -> Rows:
        """The remote rows of `table` once `holds`; looked at whenever the bot has sent something."""
        rows: Rows = []

        async def seen() -> bool:
            rows[:] = await self.supabase.rows(table)
            return holds(rows)

        try:
            await self.supabase.until(seen, timeout)
        except TimeoutError:
            raise AssertionError(f"{table}: {json.dumps(rows, indent=1, ensure_ascii=False)}") from None
        return rows

    def judge(self) -> None:
        """Fail with whatever the bot has sent that is not as Discord, Lavalink and Gemini document it."""
        assert self.world.discord.unknown_requests == []
        assert self.world.discord.broken_requests == []
        assert self.world.discord.broken_frames == []
        discord_openapi.check(self.world.discord.requests)
        assert self._memory.faults == []
        requests = self.world.lavalink.requests
        assert [request for request in requests if request.status in BROKEN_REQUEST] == []
        assert self.world.gemini.account.faults == []

    async def health(self, path: str) -> tuple[int, str]:
        """Status and body of a health endpoint."""
        url = f"http://127.0.0.1:{self.environment['HTTP_PORT']}{path}"
        async with aiohttp.ClientSession() as http, http.get(url) as answer:
            return answer.status, await answer.text()


@pytest.fixture
def project(request: pytest.FixtureRequest) -> Supabase | None:
    """A database of the test's own; None where the real parts are missing: the town is local-only then."""
    return request.getfixturevalue("supabase") if missing_real_parts() is None else None


@pytest_asyncio.fixture
async def quiet_town(tmp_path: Path, project: Supabase | None) -> AsyncIterator[Town]:
    """A town whose bot is not started yet."""
    async with World(supabase=project or False) as world:
        town = Town(world, tmp_path)
        try:
            yield town
        finally:
            if town.bot.running:
                await town.bot.kill()
            print(town.bot.log())
        town.judge()
        if not town.expects_trouble:
            assert "Traceback" not in town.bot.log()


@pytest_asyncio.fixture
async def town(quiet_town: Town) -> Town:
    """A town whose bot is ready."""
    await quiet_town.bot.start()
    await quiet_town.bot.started()
    return quiet_town
