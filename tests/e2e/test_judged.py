"""Whatever the bot sends is judged, and fails the test that let it be sent."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest

from sandbox.world import World
from tests import discord_openapi
from tests.e2e.conftest import Town


@pytest.mark.skipif(not discord_openapi.given(), reason=discord_openapi.MISSING)
async def test_no_request_was_too_long_ago_to_be_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.discord.rest.RECORDS_KEPT", 2)
    async with World(supabase=False) as world, aiohttp.ClientSession() as http:
        town = Town(world, tmp_path)
        headers = {"Authorization": f"Bot {world.discord.token}"}
        typing = f"{world.discord.api_url}/channels/{world.general.id}/typing"
        assert (await http.post(typing, params={"loud": "1"}, headers=headers)).status == 204
        for _ in range(2):
            await http.get(f"{world.discord.api_url}/gateway")
        assert len(world.discord.requests) == 2
        with pytest.raises(AssertionError, match="query loud: no such parameter is documented"):
            town.judge()


async def test_a_route_that_is_not_there_fails_loudly(tmp_path: Path) -> None:
    async with World(supabase=False) as world, aiohttp.ClientSession() as http:
        town = Town(world, tmp_path)
        assert (await http.get(f"{world.discord.api_url}/users/@me/wishes")).status == 404
        with pytest.raises(AssertionError, match="/users/@me/wishes"):
            town.judge()
