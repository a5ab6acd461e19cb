"""What an operator's tools are told."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest_asyncio

from sandbox.free_port import free_port
from services.health import Health, ServiceState, Vitals
from services.recorder import Recorder
from services.store import Store
from services.store.books import Books, read_books
from tests.samples import play


class World:
    def __init__(self) -> None:
        self.states = {
            "discord": ServiceState("ok", needed=True),
            "supabase": ServiceState("ok", needed=True),
            "lavalink": ServiceState("down", "localhost:2333 does not answer"),
        }
        self.port = free_port()

    async def vitals(self) -> Vitals:
        return Vitals({0: (True, 0.05), 1: (False, math.inf)}, 3, 2, 1.5)

    async def get(self, path: str) -> tuple[int, str]:
        async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{self.port}{path}") as answer:
            return answer.status, await answer.text()


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    served = World()
    async with Store(tmp_path) as store:
        await Recorder(store).commit(play())
        async with Health(
            "127.0.0.1", served.port, lambda: served.states, served.vitals, lambda: store.read(read_books)
        ):
            yield served


async def test_a_node_that_is_down_fails_neither(world: World) -> None:
    assert (await world.get("/livez"))[0] == 200
    status, body = await world.get("/readyz")
    assert status == 200
    assert '"lavalink": {"state": "down", "detail": "localhost:2333 does not answer"}' in body


async def test_what_needs_the_operator_is_not_ready_but_alive(world: World) -> None:
    world.states["supabase"] = ServiceState("paused", "a migration is missing", needed=True)
    assert (await world.get("/livez"))[0] == 200
    status, body = await world.get("/readyz")
    assert status == 503
    assert "a migration is missing" in body


async def test_the_metrics_have_the_books_and_no_guild(world: World) -> None:
    _, body = await world.get("/metrics")
    assert 'bot_rows_accepted_total{table="music_history"} 1.0' in body
    assert 'bot_rows_waiting{table="music_history"} 1.0' in body
    assert 'discord_connected{shard="1"} 0.0' in body
    assert "discord_stat_total_guilds 3.0" in body
    assert "guild_id" not in body


async def test_an_address_in_use_is_survived(world: World) -> None:
    async with Health("127.0.0.1", world.port, dict, world.vitals, lambda: None):  # pyright: ignore[reportArgumentType] - never asked
        assert (await world.get("/livez"))[0] == 200


async def test_the_metrics_outlive_a_store_that_cannot_be_read(world: World) -> None:
    async def broken() -> dict[str, Books]:
        raise sqlite3.DatabaseError("database disk image is malformed")

    world.port = free_port()
    async with Health("127.0.0.1", world.port, dict, world.vitals, broken):
        status, body = await world.get("/metrics")
    assert status == 200
    assert "discord_stat_total_guilds 3.0" in body
