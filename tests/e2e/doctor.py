"""A visit to `python bot.py doctor`, as an operator sees it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sandbox.bot_process import BotProcess
from sandbox.discord import DiscordStandIn
from sandbox.free_port import free_port
from tests.e2e.conftest import Town


@dataclass
class Visit:
    """Exit code and everything that was printed."""

    code: int
    text: str

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @property
    def findings(self) -> list[dict[str, Any]]:
        """Of a visit with `--json`."""
        return json.loads(self.text)["findings"]

    @cached_property
    def wrong(self) -> dict[tuple[str, str], str]:
        """What is wrong, by name and subject, with its cure."""
        return {
            (found["name"], found["subject"]): f"{found['message']} {found['cure']}"
            for found in self.findings
            if found["state"] == "wrong"
        }

    @property
    def states(self) -> dict[str, set[str]]:
        """The states by name."""
        states: dict[str, set[str]] = {}
        for found in self.findings:
            states.setdefault(found["name"], set()).add(found["state"])
        return states


async def visit(environment: Mapping[str, str], folder: Path, *arguments: str) -> Visit:
    """`python bot.py` with these settings and arguments, in `folder`."""
    log = folder / "doctor.log"
    log.unlink(missing_ok=True)
    process = BotProcess(environment, log, DiscordStandIn(), arguments)
    await process.start()
    code = await process.wait()
    assert "Traceback" not in process.log()
    return Visit(code, process.log())


async def run(town: Town, *arguments: str, **variables: str) -> Visit:
    """`python bot.py` in a town; `variables` are settings beside the town's."""
    return await visit(town.environment | variables, town.bot.log_path.parent, *arguments)


async def look(town: Town, **variables: str) -> Visit:
    """`python bot.py doctor --json` in a town."""
    return await run(town, "doctor", "--json", **variables)


class Surgery:
    """The doctor alone: nothing is set up but what a test sets, and Discord refuses the connection."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = {
            "DISCORD_TOKEN": "sandbox-token",
            "DISCORD_API_URL": f"http://127.0.0.1:{free_port()}",
            "DISCORD_GATEWAY_URL": "ws://127.0.0.1:1",
            "DISCORD_CDN_URL": "http://127.0.0.1:1",
            "LAVALINK_NODES": "",
            "DATA_DIR": str(folder / "data"),
        }

    async def look(self, *arguments: str, **variables: str) -> Visit:
        """`python bot.py doctor --json`; Discord's absence is left out of what is wrong."""
        seen = await visit(self.settings | variables, self.folder, "doctor", "--json", *arguments)
        assert seen.wrong.pop(("discord.token", ""))
        return seen
