"""A client of the gateway, frame by frame."""

from __future__ import annotations

import asyncio
import contextlib
import json
import zlib
from collections.abc import AsyncGenerator
from typing import Any

import aiohttp
import zstandard

from sandbox.discord import DiscordStandIn
from tests.sandbox.closing import code_of

DATA = (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY)


class Broken(AssertionError):
    """The connection ended where a frame was expected."""


class Socket:
    """A client of the gateway that does only what it is told."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse, token: str, query: str = "") -> None:
        self.ws = ws
        self.token = token
        self._zstd = zstandard.ZstdDecompressor().decompressobj() if "zstd-stream" in query else None
        self._zlib = zlib.decompressobj()

    async def receive(self) -> dict[str, Any]:
        """The next frame, plain or compressed."""
        message = await self.ws.receive(5)
        if message.type not in DATA:
            raise Broken(f"closed with {code_of(self.ws, message)}")
        return self.read(message)

    def read(self, message: aiohttp.WSMessage) -> dict[str, Any]:
        """What a message says."""
        binary = message.type is aiohttp.WSMsgType.BINARY
        return json.loads(self._decompress(message.data) if binary else message.data)

    def _decompress(self, data: bytes) -> bytes:
        """One message, whole, by a context that goes on."""
        if self._zstd is None:
            assert data.endswith(b"\x00\x00\xff\xff"), "each message ends with a flush"
            return self._zlib.decompress(data)
        text = self._zstd.decompress(data)
        assert not self._zstd.eof, "a message ends no frame"
        return text

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
            while (message := await self.ws.receive()).type in DATA:
                pass
        return code_of(self.ws, message)


@contextlib.asynccontextmanager
async def connected(discord: DiscordStandIn, http: aiohttp.ClientSession, query: str = "") -> AsyncGenerator[Socket]:
    async with http.ws_connect(discord.gateway_url + query) as ws:
        socket = Socket(ws, discord.token, query)
        assert (await socket.receive())["op"] == 10
        yield socket
