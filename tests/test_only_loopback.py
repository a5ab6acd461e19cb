"""Nothing in a test reaches a real service, by mistake neither."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import cast

import aiohttp
import pytest

from sandbox.bot_process import BotProcess
from sandbox.discord import DiscordStandIn

SECRETS = {"DISCORD_TOKEN": "x", "GEMINI_API_KEY": "x"}
HERE = {
    "DISCORD_API_URL": "http://127.0.0.1:1/api/v10",
    "DISCORD_GATEWAY_URL": "ws://127.0.0.1:1",
    "DISCORD_CDN_URL": "http://127.0.0.1:1/cdn",
    "GEMINI_API_ENDPOINT": "localhost:1",
}


@pytest.mark.parametrize("host", ["discord.com", "generativelanguage.googleapis.com", "8.8.8.8"])
async def test_no_name_of_another_machine_is_looked_up(host: str) -> None:
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo(host, 443)
    if host[0].isalpha():
        async with aiohttp.ClientSession() as http:
            with pytest.raises(aiohttp.ClientConnectorError):
                await http.get(f"https://{host}/")


@pytest.mark.parametrize("name", HERE)
@pytest.mark.parametrize("value", [None, "", "https://discord.com/api/v10", "generativelanguage.googleapis.com"])
def test_a_bot_that_would_leave_its_world_is_not_started(tmp_path: Path, name: str, value: str | None) -> None:
    discord = cast("DiscordStandIn", None)
    environment = SECRETS | HERE
    BotProcess(environment, tmp_path / "log", discord)
    if value is None:
        del environment[name]
    else:
        environment[name] = value
    with pytest.raises(ValueError, match=name):
        BotProcess(environment, tmp_path / "log", discord)
