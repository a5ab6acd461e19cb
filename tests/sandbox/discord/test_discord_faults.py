"""What goes wrong on purpose."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Any, TypeAlias

import aiohttp
import pytest

from sandbox.discord import DiscordStandIn
from tests.sandbox.discord.bots import Place, running

Socket: TypeAlias = aiohttp.ClientWebSocketResponse


async def statuses(discord: DiscordStandIn, count: int) -> list[int]:
    async with aiohttp.ClientSession() as http:
        return [(await http.get(f"{discord.api_url}/gateway")).status for _ in range(count)]


async def test_requests_meet_a_limit_as_often_as_asked(discord: DiscordStandIn) -> None:
    discord.ratelimit(2)
    assert await statuses(discord, 3) == [429, 429, 200]


@pytest.mark.parametrize("limit", ["ratelimit", "shared_limit"])
async def test_with_a_seed_chance_decides_the_same_way_each_time(discord: DiscordStandIn, limit: str) -> None:
    runs: list[list[int]] = []
    for _ in range(2):
        getattr(discord, limit)(3, seed=5)
        runs.append(await statuses(discord, 12))
    assert runs[0] == runs[1]
    assert runs[0].count(429) == 3
    assert runs[0][:3] != [429] * 3


async def test_late_answers_overtake_each_other_with_a_seed(discord: DiscordStandIn) -> None:
    discord.slow(0.2, seed=1)
    order: list[int] = []
    async with aiohttp.ClientSession() as http:

        async def ask(number: int) -> None:
            await http.get(f"{discord.api_url}/gateway")
            order.append(number)

        await asyncio.gather(*map(ask, range(6)))
    assert sorted(order) == list(range(6))
    assert order != sorted(order)


@contextlib.asynccontextmanager
async def connected(
    discord: DiscordStandIn, http: aiohttp.ClientSession
) -> AsyncGenerator[aiohttp.ClientWebSocketResponse]:
    async with http.ws_connect(discord.gateway_url) as ws:
        assert (await ws.receive_json())["op"] == 10
        yield ws


async def outcome(task: asyncio.Task[Any]) -> Any:
    try:
        return await task
    except aiohttp.ClientError as error:
        return error


async def test_half_open_takes_everything_and_answers_nothing(discord: DiscordStandIn) -> None:
    async with aiohttp.ClientSession() as http, connected(discord, http) as ws:
        discord.halfopen()
        await ws.send_json({"op": 1, "d": None})
        waiting: list[asyncio.Task[Any]] = [
            asyncio.create_task(ws.receive()),
            # Not GET, which the client asks once more by itself.
            asyncio.create_task(http.post(f"{discord.api_url}/channels/1/messages")),
            asyncio.create_task(http.ws_connect(discord.gateway_url)),
        ]
        done, _ = await asyncio.wait(waiting, timeout=0.3)
        assert not done
        await discord.up()
        # An opening that was not answered is tried again by the client itself.
        received, posted, _ = [await outcome(task) for task in waiting]
        assert received.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
        assert isinstance(posted, aiohttp.ClientError)
        assert (await http.get(f"{discord.api_url}/gateway")).status == 200


async def test_a_bot_gets_over_a_gateway_that_fell_silent(place: Place) -> None:
    discord = place.discord
    discord.want_heartbeats(0.3)
    async with running(discord, heartbeat_timeout=0.6) as bot:
        resumed = asyncio.create_task(bot.wait_for("resumed", timeout=15))
        discord.halfopen()
        await place.alice.say(place.general, "@bot are you there?")
        # The client has noticed by itself once it is back; it must not find the door shut then.
        await asyncio.sleep(1)
        assert bot.heard == []
        await discord.up()
        await resumed
        assert [message.clean_content for message in bot.heard] == ["@sandbox-bot are you there?"]
        assert bot.events.count("READY") == 1


async def test_the_next_event_of_a_kind_is_lost_and_no_other(place: Place) -> None:
    async with running(place.discord) as bot:
        place.discord.drop_event("MESSAGE_CREATE")
        place.guild.add_text_channel("new")
        for text in ("one", "two"):
            await place.alice.say(place.general, f"@bot {text}")
        assert [message.clean_content for message in await bot.hears(1)] == ["@sandbox-bot two"]
        assert "GUILD_CHANNEL_CREATE" in bot.events or "CHANNEL_CREATE" in bot.events
    with pytest.raises(ValueError, match="there is no event 'MESSAGE_LOST'"):
        place.discord.drop_event("MESSAGE_LOST")


async def test_a_reset_with_a_seed_cuts_some_connections(discord: DiscordStandIn) -> None:
    async with aiohttp.ClientSession() as http, contextlib.AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(connected(discord, http)) for _ in range(8)]
        await discord.reset(seed=2)
        closed = 0
        for socket in sockets:
            with contextlib.suppress(ConnectionError):
                await socket.send_json({"op": 1, "d": None})
            closed += (await socket.receive()).type is not aiohttp.WSMsgType.TEXT
    assert 0 < closed < 8
