"""Starts the world and the bot, and hands over to the prompt or to a script."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path

from rich.console import Console

from sandbox.bot_process import BotEnded, BotProcess
from sandbox.console import script
from sandbox.console.feed import Feed
from sandbox.console.prompt import converse
from sandbox.console.screen import Screen
from sandbox.console.session import Session
from sandbox.discord_voice.authority import TRUST_STORE
from sandbox.lavalink.library import AUDIO_SUFFIXES
from sandbox.real_lavalink import UnusableLavalink
from sandbox.world import VOICE_FOLDER, World

TOUR = Path(__file__).resolve().parents[1] / "tour.txt"
LAST_WORDS = 30
INTERRUPTED = 130


def main() -> int:
    """`python -m sandbox`; MUSIC is a folder of audio files, SCRIPT a script to run instead of the prompt.

    The exit code is 0 where every expectation of the script held, and for a prompt that was left; 1 where one
    failed or the bot did not start; 2 where MUSIC or SCRIPT cannot be read, or LAVALINK_REAL cannot be used.
    """
    music = Path(os.environ["MUSIC"]).expanduser() if os.environ.get("MUSIC") else None
    if music is not None and not music.is_dir():
        print(f"MUSIC is no folder: {music}", file=sys.stderr)
        return 2
    try:
        lines = _script()
    except (OSError, UnicodeDecodeError) as error:
        print(f"SCRIPT cannot be read: {error}", file=sys.stderr)
        return 2
    try:
        return asyncio.run(_run(music, lines))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 0 if lines is None else INTERRUPTED
    except BotEnded as error:
        print(error, file=sys.stderr)
        return 1
    except UnusableLavalink as error:
        print(f"LAVALINK_REAL: {error}", file=sys.stderr)
        print(f"README says how to start one; its Java has to trust {VOICE_FOLDER / TRUST_STORE}", file=sys.stderr)
        return 2


def _script() -> list[script.Line] | None:
    """The script to run; None for the prompt."""
    path = os.environ.get("SCRIPT")
    if path:
        return script.read(Path(path).expanduser())
    return None if sys.stdin.isatty() else script.read(TOUR)


async def _run(music: Path | None, lines: list[script.Line] | None) -> int:
    task = asyncio.current_task()
    assert task is not None
    # Whoever ends the sandbox, or closes its terminal, ends all that it started, in order.
    for ending in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(ending, task.cancel)
    logging.getLogger("aiohttp.server").addFilter(_is_a_fault_of_ours)
    console = Console() if lines is None else Console(width=110)
    screen = Screen(console, live=lines is None)
    with tempfile.TemporaryDirectory(prefix="sandbox-") as folder:
        async with World(music, real_lavalink=os.environ.get("LAVALINK_REAL", "")) as world:
            environment = world.environment(Path(folder) / "data")
            async with BotProcess(environment, Path(folder) / "bot.log", world.discord) as bot:
                _introduce(world, bot, environment, screen)
                await bot.started()
                session = Session(world, bot, environment, screen)
                async with _following(Feed(world.discord.world, screen.changed)):
                    return await _use(session, lines)


def _is_a_fault_of_ours(record: logging.LogRecord) -> bool:
    """A bot that is killed leaves requests half sent."""
    return not (record.exc_info and isinstance(record.exc_info[1], ConnectionError))


@contextlib.asynccontextmanager
async def _following(feed: Feed) -> AsyncGenerator[None]:
    task = asyncio.create_task(feed.follow())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _use(session: Session, lines: list[script.Line] | None) -> int:
    if lines is None:
        session.screen.say("")
        await converse(session)
        return 0
    outcome = await script.run(session, lines)
    if outcome.failed:
        session.screen.say("\nThe end of the bot's log:")
        for line in session.bot.log().splitlines()[-LAST_WORDS:]:
            session.screen.note(line)
    session.screen.say(f"\n{outcome.summary()}", "bold red" if outcome.failed else "bold green")
    return outcome.exit_code


def _introduce(world: World, bot: BotProcess, environment: dict[str, str], screen: Screen) -> None:
    """What runs, real or stand-in, and how to leave."""
    files = sum(path.suffix.lower() in AUDIO_SUFFIXES for path in world.music.rglob("*") if path.is_file())
    supabase = (
        f"not installed, so the bot keeps everything locally only; `{world.missing}` installs it"
        if world.supabase is None
        else f"real PostgreSQL and PostgREST at {world.supabase.url}"
    )
    lavalink = "stand-in" if world.voice_server is None else "real, behind a proxy"
    screen.say("A Discord server on this machine, and the bot in it:", "bold")
    for name, what in (
        (
            "bot",
            f"real: python bot.py, process {bot.pid}, http://127.0.0.1:{environment['HTTP_PORT']}/readyz",
        ),
        (
            "Discord",
            f"stand-in at {world.discord.api_url}: server Sandbox, #general, voice #music, alice, bob, yuki",
        ),
        ("Lavalink", f"{lavalink} at {world.lavalink.base_url}: audio files of {world.music}: {files}"),
        ("Gemini", f"stand-in at {world.gemini.endpoint}"),
        ("Supabase", supabase),
        ("data", f"{environment['DATA_DIR']}, removed at the end"),
    ):
        screen.say(f"  {name:<9} {what}")
    screen.say("You are alice. `help` lists what you can do, Tab completes; `quit`, Ctrl-D or Ctrl-C ends it all.")
