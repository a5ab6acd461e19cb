"""A seat in a world without a bot: what the console itself does needs none."""

from __future__ import annotations

import io
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from rich.console import Console

from sandbox.bot_process import BotProcess
from sandbox.console.screen import Screen
from sandbox.console.session import Session
from sandbox.world import World


@pytest.fixture
async def world(tmp_path: Path) -> AsyncGenerator[World]:
    music = tmp_path / "music"
    music.mkdir()
    async with World(music, supabase=False) as world:
        yield world


@pytest.fixture
def printed() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def session(world: World, printed: io.StringIO, tmp_path: Path) -> Session:
    environment = world.environment(tmp_path)
    bot = BotProcess(environment, tmp_path / "bot.log", world.discord)
    screen = Screen(Console(file=printed, width=100), live=False)
    return Session(world, bot, environment, screen)
