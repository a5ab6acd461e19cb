"""`/v4/websocket`, handed on to a real Lavalink: the handshake, messages both ways, and how it ends."""

from __future__ import annotations

import asyncio
import json

import aiohttp
from aiohttp import WSMsgType, hdrs, web

from sandbox.lavalink.rest_answers import WEBSOCKET_PATH
from sandbox.lavalink.trouble import Trouble
from sandbox.real_lavalink.passing import abort, handshake_headers
from sandbox.real_lavalink.watch import Watch

_LOST = 1006
_GOING_AWAY = 1001
# A client that does not answer a close frame is not waited for.
_CLOSE_TIMEOUT_S = 0.5
_UNLIMITED = 0


def is_handshake(request: web.Request) -> bool:
    """Whether a WebSocket is asked for."""
    return request.headers.get(hdrs.UPGRADE, "").lower() == "websocket"


class WebSocketRoute:
    """The WebSocket's one route; `real` is the real server's address."""

    def __init__(self, http: aiohttp.ClientSession, real: str, trouble: Trouble, watch: Watch) -> None:
        self._http = http
        self._real = real
        self._trouble = trouble
        self._watch = watch

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """Serve a client until its socket or the real server's is gone."""
        if self._trouble.is_silent():
            await self._trouble.healed.wait()
        asked = handshake_headers(request.headers)
        try:
            real = await self._http.ws_connect(self._real + WEBSOCKET_PATH, headers=asked, max_msg_size=_UNLIMITED)
        except aiohttp.WSServerHandshakeError as error:
            headers = None if error.headers is None else handshake_headers(error.headers)
            return web.Response(status=error.status, headers=headers)
        except aiohttp.ClientError:
            abort(request)
            return web.Response()
        socket = web.WebSocketResponse(
            timeout=_CLOSE_TIMEOUT_S, autoping=False, compress=False, max_msg_size=_UNLIMITED
        )
        # aiohttp has no other way to the headers of a handshake that went well.
        shown = real._response.headers  # pyright: ignore[reportPrivateUsage]
        socket.headers.extend(handshake_headers(shown))
        await socket.prepare(request)
        pump = asyncio.create_task(self._pump(real, socket, request))
        try:
            await self._hand_on(socket, real)
        finally:
            # Whoever has left the proxy without a word has left the server so too: a session may be resumed.
            await real.close(code=_GOING_AWAY if socket.close_code in (None, _LOST) else socket.close_code)
            pump.cancel()
            await asyncio.gather(pump, return_exceptions=True)
        return socket

    async def _hand_on(self, socket: web.WebSocketResponse, real: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await real.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await real.send_bytes(message.data)
            elif message.type is WSMsgType.PING and self._trouble.silence is None:
                await socket.pong(message.data)

    async def _pump(
        self, real: aiohttp.ClientWebSocketResponse, socket: web.WebSocketResponse, request: web.Request
    ) -> None:
        while (message := await real.receive()).type is WSMsgType.TEXT:
            read = message.json()
            await self._watch.see(read)
            while self._trouble.silence is not None:
                await self._trouble.healed.wait()
            if not self._trouble.loses(read):
                await socket.send_str(json.dumps(read))
        if message.type is WSMsgType.CLOSE:
            await socket.close(code=message.data, message=(message.extra or "").encode())
        else:
            abort(request)
