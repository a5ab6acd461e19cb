"""The bot as a process of its own, `python bot.py`, as an operator would run it."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from sandbox.child import bound
from sandbox.discord import DiscordStandIn

BOT = Path(__file__).resolve().parents[1] / "bot.py"

# By the secret without which there is no call: settings that lead to the real services where they are left out.
_WAYS_OUT = {
    "DISCORD_TOKEN": ("DISCORD_API_URL", "DISCORD_GATEWAY_URL", "DISCORD_CDN_URL"),
    "GEMINI_API_KEY": ("GEMINI_API_ENDPOINT",),
}
_REAL = re.compile(r"discord(app)?\.(com|gg|media)|googleapis\.com", re.IGNORECASE)
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ")


class BotEnded(Exception):
    """The bot ended before it was ready; the message has its exit code and its last words."""


class BotProcess:
    """One bot with a given environment; it never outlives this process.

    It sees the given variables and a handful of the caller's that say where programs and languages are, no
    others: a token or a database of the caller's own must never reach it. For the same reason it runs in a
    folder without `.env`.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        log: Path,
        discord: DiscordStandIn,
        arguments: Sequence[str] = (),
    ) -> None:
        """`log` collects all that the bot prints, over restarts too; `arguments` follow `bot.py`.

        Raises:
            ValueError: the bot would reach the real Discord or the real Gemini.
        """
        stray = [
            name
            for secret, names in _WAYS_OUT.items()
            for name in names
            if environment.get(secret) and _REAL.search(environment.get(name) or "discord.com")
        ]
        if stray:
            raise ValueError(f"{', '.join(stray)} would lead the bot out of its world")
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        self._environment = {**inherited, "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1", **environment}
        self.log_path = log
        self._discord = discord
        self._command = [sys.executable, str(BOT), *arguments]
        self._process: asyncio.subprocess.Process | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int:
        """Raises RuntimeError where the bot was never started."""
        return self._started().pid

    def log(self) -> str:
        """Everything that the bot has printed so far."""
        return self.log_path.read_text(encoding="utf-8", errors="replace") if self.log_path.exists() else ""

    async def start(self) -> None:
        """Start the process; does nothing while it runs."""
        if self.running:
            return
        with self.log_path.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *bound(self._command, signal.SIGKILL),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                env=self._environment,
                cwd=self.log_path.parent,
                # A group of its own: Ctrl-C in a terminal is for the sandbox, which then stops the bot.
                process_group=0,
            )

    async def started(self, timeout: float = 20) -> None:
        """Wait until Discord has the bot, `timeout` s at most.

        Raises:
            BotEnded: the process ended instead.
            TimeoutError: neither happened in time.
        """
        ready = asyncio.ensure_future(self._discord.bot_ready(timeout))
        ended = asyncio.ensure_future(self.wait())
        try:
            await asyncio.wait({ready, ended}, return_when=asyncio.FIRST_COMPLETED)
            if not ready.done():
                raise BotEnded(f"the bot ended with {ended.result()}: {self.log()[-2000:]}")
            try:
                await ready
            except TimeoutError as error:
                raise TimeoutError(f"{error}; the bot's last words: {self.log()[-2000:]}") from None
        finally:
            ready.cancel()
            ended.cancel()
            await asyncio.gather(ready, ended, return_exceptions=True)

    async def wait(self) -> int:
        """Wait for the process to end; its exit code (negative: the signal that ended it)."""
        return await self._started().wait()

    async def terminate(self, timeout: float = 10) -> int:
        """SIGTERM; the exit code. Kills it after `timeout` s, which the code then shows."""
        if self.running:
            self._started().send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(timeout):
                    return await self.wait()
            except TimeoutError:
                return await self.kill()
        return await self.wait()

    async def kill(self) -> int:
        """kill -9; the exit code."""
        if self.running:
            self._started().kill()
        return await self.wait()

    async def restart(self, timeout: float = 20) -> None:
        """End it if it runs, start it again, and wait until Discord has it."""
        if self.running:
            await self.terminate()
        await self._discord.bot_gone()
        await self.start()
        await self.started(timeout)

    async def __aenter__(self) -> BotProcess:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.running:
            await self.terminate()

    def _started(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise RuntimeError("the bot was not started")
        return self._process
