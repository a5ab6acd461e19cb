"""The stream of events outlives what ends wavelink's own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import WSMsgType, web

from tests.services.lavalink.world import MusicWorld, until

READY: dict[str, Any] = {"op": "ready", "resumed": False, "sessionId": "0123456789abcdef"}
CLOSED: dict[str, Any] = {
    "op": "event",
    "type": "WebSocketClosedEvent",
    "guildId": "7",
    "code": 4900,
    "reason": "",
    "byRemote": True,
}


class Server:
    """As much of Lavalink as a connection needs, and whatever a test has it say."""

    def __init__(self) -> None:
        self.sockets: list[web.WebSocketResponse] = []
        self.info_fails = 0
        self.mute = 0
        """So many connections hear nothing, not even `ready`."""
        self.port = 0

    async def connect(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        if self.mute:
            self.mute -= 1
        else:
            await socket.send_json(READY)
        async for message in socket:
            if message.type is WSMsgType.ERROR:
                break
        return socket

    async def info(self, _: web.Request) -> web.Response:
        if self.info_fails:
            self.info_fails -= 1
            return web.Response(status=500)
        return web.json_response({"sourceManagers": []})

    async def answer(self, _: web.Request) -> web.Response:
        return web.json_response({})


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    app = web.Application()
    app.router.add_get("/v4/websocket", server.connect)
    app.router.add_get("/v4/info", server.info)
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.port = runner.addresses[0][1]
    yield server
    await runner.cleanup()


@pytest.fixture
async def world(server: Server) -> AsyncIterator[MusicWorld]:
    world = MusicWorld(f"http://:x@127.0.0.1:{server.port}")
    async with world.nodes:
        await until(lambda: world.client.named("wavelink_node_ready"))
        yield world


@pytest.mark.parametrize(
    "message", [CLOSED, {"op": "event"}, {"op": "playerUpdate", "guildId": "7"}, {"no": "op"}, ["a"], "no json at all"]
)
async def test_a_message_that_is_not_understood_is_passed_over(world: MusicWorld, server: Server, message: Any) -> None:
    await server.sockets[0].send_json(message)
    await server.sockets[0].send_json({"op": "stats", "players": 3, "playingPlayers": 1, "uptime": 1} | STATS)
    await until(lambda: world.client.named("wavelink_stats_update"))
    assert len(server.sockets) == 1


STATS: dict[str, Any] = {
    "memory": {"free": 1, "used": 1, "allocated": 1, "reservable": 1},
    "cpu": {"cores": 1, "systemLoad": 0, "lavalinkLoad": 0},
}


@pytest.mark.parametrize("code", [1000, 1001, 1011, 4000])
async def test_a_close_frame_of_any_code_is_followed_by_a_new_connection(
    world: MusicWorld, server: Server, code: int
) -> None:
    await server.sockets[0].close(code=code)
    await until(lambda: len(world.client.named("wavelink_node_ready")) == 2)
    assert list(world.nodes.states().values()) == ["ready"]


async def test_a_node_that_fails_to_introduce_itself_is_tried_again(server: Server) -> None:
    server.info_fails = 2
    world = MusicWorld(f"http://:x@127.0.0.1:{server.port}")
    async with world.nodes:
        await until(lambda: world.client.named("wavelink_node_ready"))
        assert len(server.sockets) == 3


async def test_a_node_that_never_says_ready_is_connected_anew(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.lavalink.nodes.WATCH_S", 0.1)
    monkeypatch.setattr("services.lavalink.nodes.INTRODUCED_S", 0.2)
    server.mute = 1
    world = MusicWorld(f"http://:x@127.0.0.1:{server.port}")
    async with world.nodes:
        await until(lambda: world.client.named("wavelink_node_ready"))
        assert len(server.sockets) == 2


async def test_a_reader_that_died_is_noticed(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.lavalink.nodes.WATCH_S", 0.1)
    world = MusicWorld(f"http://:x@127.0.0.1:{server.port}")
    async with world.nodes:
        await until(lambda: world.client.named("wavelink_node_ready"))
        [node] = world.nodes._nodes
        assert node.websocket
        assert node.websocket.keep_alive_task
        node.websocket.keep_alive_task.cancel()
        await until(lambda: len(world.client.named("wavelink_node_ready")) == 2)
