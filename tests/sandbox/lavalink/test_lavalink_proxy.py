"""Faults of a real Lavalink are those of the proxy before it; here a stand-in is the real one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from sandbox.lavalink import LavalinkStandIn
from sandbox.real_lavalink import RealLavalink, UnusableLavalink
from tests.sandbox.lavalink.client import VOICE, LavalinkClient


@pytest.fixture
async def client(proxy: RealLavalink) -> AsyncIterator[LavalinkClient]:
    async with LavalinkClient(proxy) as client:
        yield client


async def test_a_whole_play_goes_through(client: LavalinkClient, proxy: RealLavalink) -> None:
    found = await client.load("ytsearch:morning short")
    assert found["loadType"] == "search"
    (track,) = found["data"]
    assert track["info"]["title"] == "Morning Short"
    await client.update(1, voice=VOICE)
    await client.update(1, track={"encoded": track["encoded"]})
    assert (await client.until("TrackStartEvent"))["track"]["info"]["author"] == "Alice"
    assert (await client.until("TrackEndEvent"))["reason"] == "finished"
    assert [player.current for player in proxy.players(1)] == [None]
    assert [request.status for request in proxy.requests] == [200, 200, 200]


async def test_the_limit_is_that_of_a_source(client: LavalinkClient, proxy: RealLavalink) -> None:
    proxy.ratelimit(1)
    refused = await client.load("ytsearch:morning")
    assert refused["loadType"] == "error"
    assert "429" in refused["data"]["causeStackTrace"]
    assert (await client.load("ytsearch:morning"))["loadType"] == "search"


async def test_an_event_is_lost_and_the_next_of_its_kind_is_not(client: LavalinkClient, proxy: RealLavalink) -> None:
    with pytest.raises(ValueError, match="TrackStartEvent"):
        proxy.drop_event("TrackBeginEvent")
    proxy.drop_event("TrackStartEvent")
    for _ in range(2):
        await client.update(1, track={"identifier": proxy.base_url + "/files/long.wav"})
    await client.until("TrackEndEvent")
    await client.until("playerUpdate", lambda _: client.kinds().count("playerUpdate") == 4)
    assert client.kinds().count("TrackStartEvent") == 1


async def test_halfopen_holds_requests_and_messages_until_up(client: LavalinkClient, proxy: RealLavalink) -> None:
    proxy.halfopen()
    request = asyncio.create_task(client.update(1, track={"identifier": proxy.base_url + "/files/long.wav"}))
    await proxy.until(lambda: proxy.requests)
    assert not request.done()
    await proxy.up()
    assert (await request).status == 200
    await client.until("TrackStartEvent")


async def test_slow_carries_out_at_once_and_answers_late(
    client: LavalinkClient, proxy: RealLavalink, lavalink: LavalinkStandIn
) -> None:
    proxy.slow(60)
    request = asyncio.create_task(client.update(1, volume=50))
    await lavalink.until(lambda: any(player.volume == 50 for player in lavalink.players()))
    assert not request.done()
    request.cancel()


async def test_a_session_is_resumed_after_a_reset(client: LavalinkClient, proxy: RealLavalink) -> None:
    await client.request("PATCH", f"/v4/sessions/{client.session_id}", json={"resuming": True, "timeout": 60})
    session = client.session_id
    await proxy.reset()
    await client.until("closed")
    ready = await client.connect(**{"Session-Id": session})
    assert (ready["resumed"], ready["sessionId"]) == (True, session)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_seed_decides_alike_on_every_run(proxy: RealLavalink, seed: int) -> None:
    async def struck() -> list[bool]:
        proxy.ratelimit(3, seed=seed)
        async with LavalinkClient(proxy) as client:
            loaded = [(await client.load("ytsearch:morning"))["loadType"] == "error" for _ in range(12)]
        await proxy.up()
        return loaded

    first = await struck()
    assert sum(first) == 3
    assert await struck() == first


async def test_where_the_server_itself_is_gone_nobody_answers(
    client: LavalinkClient, proxy: RealLavalink, lavalink: LavalinkStandIn
) -> None:
    await lavalink.down()
    await client.until("closed")
    assert client.close_code == 1006
    with pytest.raises(aiohttp.ClientConnectionError):
        await client.get("/v4/info")
    with pytest.raises(aiohttp.ClientConnectionError):
        await client.connect()
    await lavalink.up()
    assert (await client.connect())["resumed"] is False


async def test_another_password_is_said_so(lavalink: LavalinkStandIn, music: Path) -> None:
    with pytest.raises(UnusableLavalink, match="does not take this password"):
        async with RealLavalink(lavalink.base_url.replace("http://", "http://:wrong@"), music=music):
            pass
