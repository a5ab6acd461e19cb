"""`/v4/websocket`: handshake, ready, stats, resume."""

import asyncio

from aiohttp import WSMsgType, hdrs, web

from sandbox.lavalink.node import Node
from sandbox.lavalink.payloads import Message
from sandbox.lavalink.session import Session
from sandbox.lavalink.stats import STATS_INTERVAL_S

# A client that does not answer a close frame is not waited for.
_CLOSE_TIMEOUT_S = 0.5


class WebSocketRoute:
    """The WebSocket's one route."""

    def __init__(self, node: Node) -> None:
        self._node = node

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """Serve a client until its socket is gone."""
        refused = self._refusal(request)
        if refused is not None:
            # A refusal for its origin comes late enough to have looked for the session.
            headers = {"Session-Resumed": "false"} if refused == web.HTTPForbidden.status_code else None
            return web.Response(status=refused, headers=headers)
        session = self._resumable(request)
        socket = web.WebSocketResponse(compress=False, timeout=_CLOSE_TIMEOUT_S, autoping=False)
        socket.headers["Session-Resumed"] = "true" if session else "false"
        await socket.prepare(request)
        try:
            user_id = int(request.headers["User-Id"])
        except ValueError:
            await socket.close(code=1011)
            return socket
        if session is None:
            session = self._node.open_session(user_id)
            session.attach(socket, request.transport)
            self._greet(session)
        else:
            session.attach(socket, request.transport)
            session.send(_ready(session, resumed=True))
            session.resume()
        await self._serve(session, socket)
        return socket

    def _refusal(self, request: web.Request) -> int | None:
        if request.headers.get(hdrs.AUTHORIZATION) != self._node.password:
            # Unlike REST, a wrong password is 401 as well.
            return 401
        if request.headers.get(hdrs.UPGRADE, "").lower() != "websocket":
            return 400
        if hdrs.ORIGIN in request.headers:
            return 403
        return 400 if request.headers.get("User-Id", "") in ("", "0") else None

    def _resumable(self, request: web.Request) -> Session | None:
        session = self._node.sessions.get(request.headers.get("Session-Id", ""))
        return session if session is not None and not session.connected else None

    def _greet(self, session: Session) -> None:
        ready = _ready(session, resumed=False)
        self._stats_every(session, asyncio.get_running_loop().time())
        stats = self._node.session_stats(session)
        first, second = (stats, ready) if self._node.races.stats_before_ready() else (ready, stats)
        session.send(first)
        session.send(second)

    def _stats_every(self, session: Session, last: float) -> None:
        def tick() -> None:
            session.send(self._node.session_stats(session))
            self._stats_every(session, last + STATS_INTERVAL_S)

        session.timers.at("stats", last + STATS_INTERVAL_S, tick)

    async def _serve(self, session: Session, socket: web.WebSocketResponse) -> None:
        writer = asyncio.create_task(session.write())
        try:
            async for message in socket:
                if message.type is WSMsgType.PING and self._node.trouble.silence is None:
                    await socket.pong(message.data)
                elif message.type is WSMsgType.BINARY:
                    await socket.close(code=1003, message=b"Binary messages not supported")
        finally:
            writer.cancel()
            session.detach()


def _ready(session: Session, *, resumed: bool) -> Message:
    return {"op": "ready", "resumed": resumed, "sessionId": session.id}
