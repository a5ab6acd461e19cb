"""A seat in a world without a bot: what the console itself does needs none."""

from __future__ import annotations

import io
import tempfile
from collections.abc import AsyncGenerator, Generator
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
def folder() -> Generator[Path]:
    """For what a whole sandbox makes; short, for PostgreSQL's socket lies in it."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="console-", ignore_cleanup_errors=True) as path:
        # PostgreSQL refuses to run as root; the user that it runs as has to reach its folder.
        Path(path).chmod(0o755)
        yield Path(path)


@pytest.fixture
def printed() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def session(world: World, printed: io.StringIO, tmp_path: Path) -> Session:
    environment = world.environment(tmp_path)
    bot = BotProcess(environment, tmp_path / "bot.log", world.discord)
    screen = Screen(Console(file=printed, width=100), live=False)
    return Session(world, bot, environment, screen)
