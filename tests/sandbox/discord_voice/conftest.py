"""A voice server, what Discord gave the bot for it, and a client."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from sandbox.discord import VoiceCredentials
from sandbox.discord_voice import VoiceServer
from tests.sandbox.discord_voice.client import VoiceClient

GUILD, BOT = 500, 111
GIVEN = VoiceCredentials("token", "localhost:1", "session", "555")


class Discord:
    """Says what the bot was given."""

    def __init__(self) -> None:
        self.given: VoiceCredentials | None = GIVEN

    def credentials(self, guild_id: int) -> VoiceCredentials | None:
        return self.given if guild_id == GUILD else None


@pytest.fixture
def discord() -> Discord:
    return Discord()


@pytest.fixture
async def server(discord: Discord) -> AsyncIterator[VoiceServer]:
    async with VoiceServer(discord.credentials, BOT) as server:
        yield server


@pytest.fixture
async def client(server: VoiceServer) -> AsyncIterator[VoiceClient]:
    async with VoiceClient.to(server, GUILD, GIVEN, BOT) as client:
        yield client
