"""A real Lavalink in the stand-in's place: a proxy in front of it that knows the music folder and the faults."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast
from urllib.parse import quote, unquote, urlsplit

import aiohttp
from aiohttp import WSMsgType, hdrs, web
from yarl import URL

from sandbox.changes import Changes
from sandbox.lavalink.library import MusicLibrary
from sandbox.trouble import Trouble

_HOST = "127.0.0.1"
_FILES = "/files"
_SEARCH = re.compile(r"[a-z0-9]*search:(.*)", re.DOTALL)
_HOP_BY_HOP = {"connection", "content-length", "host", "transfer-encoding", "upgrade", "keep-alive"}


@dataclass(slots=True)
class SeenTrack:
    """What plays; `info` has a title."""

    info: Any


class SeenPlayer:
    """A guild's player, as the last answer or message about it had it."""

    def __init__(self) -> None:
        self.current: SeenTrack | None = None
        self.paused = False
        self.volume = 100
        self._state: dict[str, Any] = {"position": 0, "time": 0, "connected": False}

    @property
    def position(self) -> int:
        """Milliseconds; time has passed since the last state if sound is sent."""
        runs = self.current is not None and self._state["connected"] and not self.paused
        return self._state["position"] + (int(time.time() * 1000) - self._state["time"] if runs else 0)

    def state(self) -> dict[str, Any]:
        """Lavalink's last `state`."""
        return self._state

    def see(self, message: dict[str, Any]) -> None:
        """Take over what an answer or a message says."""
        self.paused, self.volume = message.get("paused", self.paused), message.get("volume", self.volume)
        self._state = message.get("state", self._state)
        if message.get("type") == "TrackEndEvent":
            self.current = None
        elif "track" in message:
            track = message["track"]
            self.current = SeenTrack(_Info(track["info"])) if track else None


class _Info:
    def __init__(self, info: dict[str, Any]) -> None:
        self.title = str(info["title"])


class RealLavalink:
    """The proxy; `uri` is the real server's, with its password as user info, and it must have its http source on.

    Searches find the files of `music`, which the real server then fetches from here: it has to run on this
    machine, or share its network. Titles are those of the files' tags, whatever the real server reads of them.
    """

    def __init__(self, uri: str, *, music: Path) -> None:
        parts = urlsplit(uri)
        self._real = f"{parts.scheme}://{parts.hostname}:{parts.port}"
        self._password = unquote(parts.password or "")
        self._music = music
        self._library = MusicLibrary(music)
        self._trouble = Trouble()
        self._players: dict[int, SeenPlayer] = {}
        self._sockets: set[web.WebSocketResponse] = set()
        self._changes = Changes()
        self._runner: web.AppRunner
        self._site: web.TCPSite | None = None
        self._http: aiohttp.ClientSession
        self._stack = AsyncExitStack()
        self.port = 0

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
        return [player for guild, player in self._players.items() if guild_id in (None, guild)]

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            self._http = await stack.enter_async_context(aiohttp.ClientSession(auto_decompress=True))
            app = web.Application()
            app.router.add_static(_FILES, self._music)
            app.router.add_get("/v4/websocket", self._websocket)
            app.router.add_route("*", "/{path:.*}", self._forward)
            self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
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

    def slow(self, seconds: float) -> None:
        """Answer every request so much later."""
        self._trouble.slow(seconds, None)

    async def reset(self) -> None:
        """Break every connection."""
        server = self._runner.server
        for connection in list(server.connections) if server is not None else []:
            if connection.transport is not None:
                connection.transport.abort()

    async def until(self, holds: Callable[[], object], timeout: float = 5.0) -> None:
        """Wait until something holds that was seen here. Raises TimeoutError."""
        await self._changes.until(holds, timeout, "a change at the real Lavalink")

    async def _forward(self, request: web.Request) -> web.Response:
        await self._trouble.wait()
        url, searched = URL(self._real + request.raw_path, encoded=True), False
        search = _SEARCH.fullmatch(request.query.get("identifier", ""))
        if request.path == "/v4/loadtracks" and search is not None:
            found = await self._library.search(search[1].strip())
            searched = bool(found)
            url = url.with_query({"identifier": found[0].identifier if found else search[0]})
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP}
        body = await request.read()
        async with self._http.request(request.method, url, headers=headers, data=body or None) as answer:
            text = await answer.text()
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP_BY_HOP}
            if answer.content_type == "application/json" and text:
                text = json.dumps(await self._seen(json.loads(text), searched=searched))
            return web.Response(status=answer.status, body=text.encode(), headers=kept)

    async def _seen(self, message: Any, *, searched: bool = False) -> Any:
        """Titles as the files' tags have them; what is said of players is noted."""
        await self._name(message)
        read = _object(message)
        if searched and read.get("loadType") == "track":
            return {"loadType": "search", "data": [read["data"]]}
        if "guildId" in read:
            self._players.setdefault(int(read["guildId"]), SeenPlayer()).see(read)
            self._changes.notify()
        return message

    async def _name(self, value: Any) -> None:
        read = _object(value)
        for item in cast("list[Any]", value) if isinstance(value, list) else read.values():
            await self._name(item)
        identifier, base_url = str(read.get("identifier", "")), f"{self._library.base_url}/"
        path = self._library.path(identifier.removeprefix(base_url)) if identifier.startswith(base_url) else None
        track = await self._library.track(path) if path is not None else None
        if track is not None:
            read |= {"title": track.title, "author": track.author}

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        headers = {name: value for name, value in request.headers.items() if not _is_handshake(name)}
        try:
            real = await self._http.ws_connect(f"{self._real}/v4/websocket", headers=headers)
        except aiohttp.WSServerHandshakeError as error:
            return web.Response(status=error.status)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        pump = asyncio.create_task(self._pump(real, socket))
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await real.send_str(message.data)
        finally:
            # Whoever has left the proxy without a word has left the server so too: a session may be resumed.
            await real.close(code=socket.close_code if socket.close_code and socket.close_code != 1006 else 1001)
            await pump
        return socket

    async def _pump(self, real: aiohttp.ClientWebSocketResponse, socket: web.WebSocketResponse) -> None:
        async for message in real:
            if message.type is WSMsgType.TEXT and not socket.closed:
                await socket.send_str(json.dumps(await self._seen(message.json())))
        if not socket.closed:
            await socket.close(code=real.close_code or 1001)


def _object(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _is_handshake(name: str) -> bool:
    return name.lower() in _HOP_BY_HOP or name.lower().startswith("sec-websocket") or name == hdrs.ORIGIN
