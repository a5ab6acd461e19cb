"""A stand-in for Discord that discord.py's own classes are pointed at."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
import yarl

from sandbox.discord import DiscordStandIn
from tests import discord_openapi
from tests.sandbox.discord.bots import Place


@pytest.fixture
async def discord(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DiscordStandIn]:
    async with DiscordStandIn(interaction_deadline=0.5) as stand_in:
        monkeypatch.setattr("discord.http.Route.BASE", stand_in.api_url)
        gateway = yarl.URL(stand_in.gateway_url)
        monkeypatch.setattr("discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY", gateway)
        yield stand_in
        discord_openapi.check(stand_in.requests, refused=False)


@pytest.fixture
def place(discord: DiscordStandIn) -> Place:
    return Place(discord)


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session
