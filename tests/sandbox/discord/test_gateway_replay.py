"""What a session is told, over all its connections: everything, once, in order."""

from __future__ import annotations

import asyncio
import contextlib
import random

import aiohttp
import pytest

from tests.sandbox.discord.bots import Place
from tests.sandbox.discord.sockets import DATA, Broken, Socket, connected

EVENTS = 200
LAST = f"channel {EVENTS - 1}"


async def listen(socket: Socket, heard: list[tuple[int, str]]) -> None:
    """Take in what comes, to the last of it or until the connection breaks; acknowledge some, as clients do."""
    while heard[-1][1] != LAST:
        message = await socket.ws.receive(5)
        if message.type not in DATA:
            return
        frame = socket.read(message)
        if frame["op"] == 0:
            heard.append((frame["s"], frame["d"].get("name") or frame["t"]))
            if frame["s"] % 7 == 0:
                with contextlib.suppress(ConnectionError):
                    await socket.send(1, frame["s"])


@pytest.mark.parametrize("query", ["", "?v=10&encoding=json&compress=zlib-stream", "?compress=zstd-stream"])
async def test_nothing_is_lost_or_told_twice_however_often_the_connection_breaks(place: Place, query: str) -> None:
    discord, chance = place.discord, random.Random(query)
    heard: list[tuple[int, str]] = []

    async def happen() -> None:
        for number in range(EVENTS):
            place.guild.add_text_channel(f"channel {number}")
            if chance.random() < 0.08:
                await (discord.reset() if chance.random() < 0.5 else discord.close_gateway(4000))
            await asyncio.sleep(0.002)

    async with aiohttp.ClientSession() as http:
        async with connected(discord, http, query) as socket:
            await socket.identify()
            (ready,) = await socket.until("READY")
            happening = asyncio.create_task(happen())
            heard.append((1, "READY"))
            await listen(socket, heard)
        while heard[-1][1] != LAST:
            with contextlib.suppress(aiohttp.ClientError, ConnectionError, Broken):
                async with connected(discord, http, query) as socket:
                    await socket.resume(ready["d"]["session_id"], heard[-1][0])
                    await listen(socket, heard)
    await happening
    assert [seq for seq, _ in heard] == list(range(1, len(heard) + 1))
    told = [name for _, name in heard if name.startswith("channel ")]
    assert told == [f"channel {number}" for number in range(EVENTS)]
    assert sum(name == "RESUMED" for _, name in heard) > 3
    assert discord.broken_frames == []


@pytest.mark.parametrize(("code", "answer"), [(1000, 9), (1001, 9), (4000, 0), (4999, 0)])
async def test_a_client_ends_its_session_by_its_goodbye_only(place: Place, code: int, answer: int) -> None:
    async with aiohttp.ClientSession() as http:
        async with connected(place.discord, http) as socket:
            await socket.identify()
            ready, created = await socket.until("READY", "GUILD_CREATE")
            await socket.ws.close(code=code)
        async with connected(place.discord, http) as socket:
            await socket.resume(ready["d"]["session_id"], created["s"])
            assert (await socket.receive())["op"] == answer


async def test_a_server_that_is_away_at_the_start_is_told_of_once_it_is_back(place: Place) -> None:
    place.guild.outage()
    async with aiohttp.ClientSession() as http, connected(place.discord, http) as socket:
        await socket.identify()
        (ready,) = await socket.until("READY")
        assert ready["d"]["guilds"] == [{"id": str(place.guild.id), "unavailable": True}]
        await socket.send(1, None)
        assert (await socket.receive())["op"] == 11
        place.guild.recover()
        created = await socket.receive()
        assert (created["s"], created["t"], created["d"]["unavailable"]) == (2, "GUILD_CREATE", False)


async def test_what_happens_to_a_server_that_the_bot_left_or_that_is_away_is_not_told(place: Place) -> None:
    async with aiohttp.ClientSession() as http, connected(place.discord, http) as socket:
        await socket.identify()
        await socket.until("READY", "GUILD_CREATE")
        place.guild.outage()
        place.guild.remove_bot()
        place.guild.recover()
        place.guild.add_text_channel("unseen")
        await socket.send(1, None)
        assert [frame["t"] or frame["op"] for frame in [await socket.receive() for _ in range(2)]] == [
            "GUILD_DELETE",
            11,
        ]
