"""Several shards: how many, which first, and how often a day."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import aiohttp
import pytest

from sandbox.discord import DiscordStandIn, Intent
from tests.sandbox.discord.sockets import connected


async def bot_info(discord: DiscordStandIn, http: aiohttp.ClientSession) -> Any:
    headers = {"Authorization": f"Bot {discord.token}"}
    async with http.get(f"{discord.api_url}/gateway/bot", headers=headers) as answer:
        return await answer.json()


async def test_a_thousand_servers_are_a_shard_s_share(discord: DiscordStandIn, http: aiohttp.ClientSession) -> None:
    for number in range(999):
        discord.add_guild(f"guild {number}")
    assert (await bot_info(discord, http))["shards"] == 1
    discord.add_guild("one more")
    assert (await bot_info(discord, http))["shards"] == 2


async def test_shards_identify_in_turn(http: aiohttp.ClientSession) -> None:
    """``max_concurrency``: one in 5 s for each remainder of the shard's number; op 9 for the others."""
    async with DiscordStandIn(limits=True, max_concurrency=2) as discord, contextlib.AsyncExitStack() as stack:
        answers: list[Any] = []
        for shard in range(3):
            socket = await stack.enter_async_context(connected(discord, http))
            await socket.identify(shard=[shard, 4])
            frame = await socket.receive()
            answers.append(frame["t"] or (frame["op"], frame["d"]))
        assert answers == ["READY", "READY", (9, False)]
        limit = (await bot_info(discord, http))["session_start_limit"]
        assert (limit["max_concurrency"], limit["total"] - limit["remaining"]) == (2, 3)


async def test_each_shard_hears_of_its_own_servers_and_shard_0_of_direct_messages(
    discord: DiscordStandIn, http: aiohttp.ClientSession
) -> None:
    guilds = [discord.add_guild(f"guild {number}") for number in range(4)]
    alice = guilds[0].add_member("alice")
    heard: list[set[str]] = []
    async with connected(discord, http) as first, connected(discord, http) as second:
        for number, socket in enumerate((first, second)):
            await socket.identify(shard=[number, 2], intents=int(Intent.GUILDS | Intent.DIRECT_MESSAGES))
            ready, *created = await socket.until("READY", "GUILD_CREATE", "GUILD_CREATE")
            assert {guild["id"] for guild in ready["d"]["guilds"]} == {frame["d"]["id"] for frame in created}
            assert all(guild["unavailable"] for guild in ready["d"]["guilds"])
            heard.append({frame["d"]["id"] for frame in created})
        await alice.dm("hello")
        assert (await first.receive())["t"] == "MESSAGE_CREATE"
        for guild in guilds:
            guild.change_locale("ja")
        for socket, own in zip((first, second), heard, strict=True):
            assert {frame["d"]["id"] for frame in await socket.until("GUILD_UPDATE", "GUILD_UPDATE")} == own
            await socket.send(1, None)
            assert (await socket.receive())["op"] == 11
    assert heard[0] | heard[1] == {str(guild.id) for guild in guilds}
    assert all(int(guild_id) >> 22 & 1 == shard for shard in (0, 1) for guild_id in heard[shard])


async def test_a_bucket_is_free_again_after_five_seconds(
    http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    clock = loop.time
    async with DiscordStandIn(limits=True) as discord:
        for later, answer in ((0.0, 0), (4.5, 9), (5.5, 0)):
            monkeypatch.setattr(loop, "time", lambda later=later: clock() + later)
            async with connected(discord, http) as socket:
                await socket.identify(shard=[0, 1])
                assert (await socket.receive())["op"] == answer
        limit = (await bot_info(discord, http))["session_start_limit"]
        assert limit["total"] - limit["remaining"] == 3


async def test_a_shard_s_end_leaves_the_voice_of_the_others(
    discord: DiscordStandIn, http: aiohttp.ClientSession
) -> None:
    guilds = {guild.id >> 22 & 1: guild for guild in (discord.add_guild("one"), discord.add_guild("two"))}
    music = guilds[1].add_voice_channel("music")
    async with connected(discord, http) as first, connected(discord, http) as second:
        for shard, socket in enumerate((first, second)):
            await socket.identify(shard=[shard, 2], intents=int(Intent.GUILDS | Intent.GUILD_VOICE_STATES))
            await socket.until("READY", "GUILD_CREATE")
        await second.send(4, {"guild_id": str(guilds[1].id), "channel_id": str(music.id)})
        await second.until("VOICE_SERVER_UPDATE")
        await first.ws.close(code=1000)
        await discord.wait_until(lambda: len(discord.world.sessions.all()) == 1)
        assert guilds[1].me.voice_channel is music
        await second.ws.close(code=1000)
        await discord.wait_until(lambda: guilds[1].me.voice_channel is None)
