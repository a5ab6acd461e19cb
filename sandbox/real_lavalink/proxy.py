"""The proxy in front of a real Lavalink: what is asked of it, what it says, and what goes wrong on the way."""

from __future__ import annotations

import asyncio
import json
import re
from collections import deque
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import aiohttp
from aiohttp import WSMsgType, hdrs, web
from yarl import URL

from sandbox.chance import Chance
from sandbox.changes import Changes
from sandbox.lavalink.library import MusicLibrary
from sandbox.lavalink.node import SeenRequest
from sandbox.lavalink.trouble import Trouble, known_kind
from sandbox.real_lavalink import reach
from sandbox.real_lavalink.players import SeenPlayer
from sandbox.real_lavalink.watch import Watch

_HOST = "127.0.0.1"
_FILES = "/files"
_LIMITED = "/limited"
_SEARCH = re.compile(r"[a-z0-9]*search:(.*)", re.DOTALL)
_HOP_BY_HOP = {"connection", "content-length", "host", "transfer-encoding", "upgrade", "keep-alive"}
_LOST = 1006
_MOST_REQUESTS = 10_000


class RealLavalink:
    """The proxy; `uri` is the real server's, with its password as user info, and it must have its http source on.

    Searches find the files of `music`, which the real server then fetches from here: it has to run on this
    machine, or share its network. Titles are those of the files' tags, whatever the real server reads of them.
    Raises UnusableLavalink where `uri` is none, and when entered where the server is not there or cannot be used.
    """

    def __init__(self, uri: str, *, music: Path) -> None:
        self._real, self._password = reach.read(uri)
        self._music = music
        self._library = MusicLibrary(music)
        self._trouble = Trouble()
        self._changes = Changes()
        self._watch = Watch(self._library, self._changes.notify)
        self._runner: web.AppRunner
        self._site: web.TCPSite | None = None
        self._http: aiohttp.ClientSession
        self._stack = AsyncExitStack()
        self.port = 0
        self.requests: deque[SeenRequest] = deque(maxlen=_MOST_REQUESTS)
        """The latest REST requests with the real server's status, oldest first."""

    @property
    def base_url(self) -> str:
        """The proxy's address."""
        return f"http://{_HOST}:{self.port}"

    @property
    def uri(self) -> str:
        """The same with the password as user info, as LAVALINK_NODES takes it."""
        return f"http://:{quote(self._password, safe='')}@{_HOST}:{self.port}"

    def players(self, guild_id: int | None = None) -> list[SeenPlayer]:
        """The players that were seen, or that of one guild."""
        return [player for guild, player in self._watch.players.items() if guild_id in (None, guild)]

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            # A real server may never answer; how long that is waited for is for the client to say.
            self._http = await stack.enter_async_context(
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None))
            )
            await reach.check(self._http, self._real, self._password)
            app = web.Application()
            app.router.add_static(_FILES, self._music)
            app.router.add_get(_LIMITED, _over_the_limit)
            app.router.add_get("/v4/websocket", self._websocket)
            app.router.add_route("*", "/{path:.*}", self._rest)
            self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
            await self._runner.setup()
            stack.push_async_callback(self._runner.cleanup)
            await self.up()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def up(self) -> None:
        """Listen (again), on the same port and without any fault."""
        self._trouble.clear()
        if self._site is None:
            self._site = web.TCPSite(self._runner, _HOST, self.port, reuse_address=True)
            await self._site.start()
            self.port = self._runner.addresses[0][1]
            self._library.base_url = f"{self.base_url}{_FILES}"

    async def down(self) -> None:
        """Refuse connections and break those that are there; the real server runs on."""
        site, self._site = self._site, None
        if site is not None:
            await site.stop()
            await self.reset()
            self._trouble.clear()

    def slow(self, seconds: float, *, seed: int | None = None) -> None:
        """Hand every answer on so much later, or by chance some part of that."""
        self._trouble.slow(seconds, seed)

    async def reset(self, *, seed: int | None = None) -> None:
        """Break every connection, or by chance some."""
        chance, server = Chance(seed), self._runner.server
        for connection in list(server.connections) if server is not None else []:
            if connection.transport is not None and chance.strikes():
                connection.transport.abort()

    def halfopen(self, *, seed: int | None = None) -> None:
        """Take connections and requests, hand none on (or by chance some) and no message either, until `up`."""
        self._trouble.silence = Chance(seed)

    def ratelimit(self, times: int, *, seed: int | None = None) -> None:
        """The next look-ups, or by chance as many among those to come, meet a source that answers 429."""
        self._trouble.refuse(times, seed)

    def drop_event(self, kind: str, *, seed: int | None = None) -> None:
        """The next message of a kind is lost: an op such as `playerUpdate`, or an event's type.

        Raises ValueError for a kind that there is not.
        """
        self._trouble.lost.append((known_kind(kind), Chance(seed)))

    async def until(self, holds: Callable[[], object], timeout: float = 5.0) -> None:
        """Wait until something holds that was seen here. Raises TimeoutError."""
        await self._changes.until(holds, timeout, "a change at the real Lavalink")

    async def _rest(self, request: web.Request) -> web.Response:
        text = await request.text()
        seen = SeenRequest(request.method, request.path_qs, json.loads(text) if text else None)
        self.requests.append(seen)
        self._changes.notify()
        if self._trouble.is_silent():
            await self._trouble.healed.wait()
        try:
            answer = await self._forward(request, text)
        except aiohttp.ClientConnectionError:
            # The server itself is gone: nobody answers here either.
            _abort(request)
            return web.Response()
        seen.status = answer.status
        await asyncio.sleep(self._trouble.delay())
        return answer

    async def _forward(self, request: web.Request, text: str) -> web.Response:
        url, searched = URL(self._real + request.raw_path, encoded=True), False
        if request.path == "/v4/loadtracks" and "identifier" in request.query:
            identifier, searched = await self._identifier(request.query["identifier"])
            url = url.with_query({"identifier": identifier})
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP}
        async with self._http.request(request.method, url, headers=headers, data=text.encode() or None) as answer:
            body = await answer.text()
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP_BY_HOP}
            if answer.content_type == "application/json" and body:
                read = json.loads(body)
                await self._watch.see(read)
                body = json.dumps(_found(read) if searched else read)
            return web.Response(status=answer.status, body=body.encode(), headers=kept)

    async def _identifier(self, wanted: str) -> tuple[str, bool]:
        """What the real server is asked to load, and whether that is what a search found."""
        if self._trouble.refuses():
            return f"{self.base_url}{_LIMITED}", False
        search = _SEARCH.fullmatch(wanted)
        if search is None:
            return wanted, False
        found = await self._library.search(search[1].strip())
        # Its own sources are the world outside; to an empty identifier a 4.2.2 answers `empty`.
        return (found[0].identifier, True) if found else ("", False)

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        if self._trouble.is_silent():
            await self._trouble.healed.wait()
        headers = {name: value for name, value in request.headers.items() if not _is_handshake(name)}
        try:
            real = await self._http.ws_connect(f"{self._real}/v4/websocket", headers=headers)
        except aiohttp.WSServerHandshakeError as error:
            return web.Response(status=error.status)
        except aiohttp.ClientConnectionError:
            _abort(request)
            return web.Response()
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        pump = asyncio.create_task(self._pump(real, socket, request))
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await real.send_str(message.data)
                elif message.type is WSMsgType.PING and self._trouble.silence is None:
                    await socket.pong(message.data)
        finally:
            # Whoever has left the proxy without a word has left the server so too: a session may be resumed.
            await real.close(code=socket.close_code if socket.close_code not in (None, _LOST) else 1001)
            pump.cancel()
            await asyncio.gather(pump, return_exceptions=True)
        return socket

    async def _pump(
        self, real: aiohttp.ClientWebSocketResponse, socket: web.WebSocketResponse, request: web.Request
    ) -> None:
        async for message in real:
            if message.type is WSMsgType.TEXT:
                read = message.json()
                await self._watch.see(read)
                while self._trouble.silence is not None:
                    await self._trouble.healed.wait()
                if not self._trouble.loses(read):
                    await socket.send_str(json.dumps(read))
        if real.close_code in (None, _LOST):
            _abort(request)
        else:
            await socket.close(code=real.close_code)


async def _over_the_limit(_: web.Request) -> web.Response:
    return web.Response(status=429)


def _abort(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


def _found(result: dict[str, Any]) -> dict[str, Any]:
    """What a search says of the track that was loaded for it."""
    return {"loadType": "search", "data": [result["data"]]} if result["loadType"] == "track" else result


def _is_handshake(name: str) -> bool:
    return name.lower() in _HOP_BY_HOP or name.lower().startswith("sec-websocket") or name == hdrs.ORIGIN
