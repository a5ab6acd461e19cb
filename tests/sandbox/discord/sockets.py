"""A client of the gateway, frame by frame."""

from __future__ import annotations

import asyncio
import contextlib
import json
import zlib
from collections.abc import AsyncGenerator
from typing import Any

import aiohttp

from sandbox.discord import DiscordStandIn


class Socket:
    """A client of the gateway that does only what it is told."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse, token: str) -> None:
        self.ws = ws
        self.token = token
        self._context = zlib.decompressobj()

    async def receive(self) -> dict[str, Any]:
        """The next frame, plain or compressed."""
        message = await self.ws.receive(5)
        if message.type is aiohttp.WSMsgType.BINARY:
            assert message.data.endswith(b"\x00\x00\xff\xff"), "each message ends with a flush"
            return json.loads(self._context.decompress(message.data))
        assert message.type is aiohttp.WSMsgType.TEXT, f"closed with {self.ws.close_code}"
        return json.loads(message.data)

    async def until(self, *events: str) -> list[dict[str, Any]]:
        """The frames up to the last of these events, which come in this order."""
        frames: list[dict[str, Any]] = []
        for event in events:
            frames.append(await self.receive())
            while frames[-1]["t"] != event:
                frames.append(await self.receive())
        return frames

    async def send(self, op: int, data: Any) -> None:
        await self.ws.send_json({"op": op, "d": data})

    async def identify(self, **changes: Any) -> None:
        await self.send(2, {"token": self.token, "intents": 1, "properties": {}} | changes)

    async def resume(self, session_id: str, seq: int) -> None:
        await self.send(6, {"token": self.token, "session_id": session_id, "seq": seq})

    async def closed_with(self) -> int | None:
        async with asyncio.timeout(5):
            async for _ in self.ws:
                pass
        return self.ws.close_code


@contextlib.asynccontextmanager
async def connected(discord: DiscordStandIn, http: aiohttp.ClientSession, query: str = "") -> AsyncGenerator[Socket]:
    async with http.ws_connect(discord.gateway_url + query) as ws:
        socket = Socket(ws, discord.token)
        assert (await socket.receive())["op"] == 10
        yield socket
