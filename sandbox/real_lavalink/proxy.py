"""The proxy in front of a real Lavalink: what is asked of it, what it says, and what goes wrong on the way."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self
from urllib.parse import quote

import aiohttp
from aiohttp import web

from sandbox.chance import Chance
from sandbox.changes import Changes
from sandbox.lavalink.app_runner import app_runner
from sandbox.lavalink.library import MusicLibrary
from sandbox.lavalink.node import SeenRequest, readable
from sandbox.lavalink.rest_answers import WEBSOCKET_PATH
from sandbox.lavalink.trouble import Trouble, known_kind
from sandbox.real_lavalink import reach
from sandbox.real_lavalink.players import SeenPlayer
from sandbox.real_lavalink.rest import LIMITED, RestRoute
from sandbox.real_lavalink.watch import Watch
from sandbox.real_lavalink.websocket import WebSocketRoute, is_handshake

_HOST = "127.0.0.1"
_FILES = "/files"
# What is too large is for the real server to say.
_UNLIMITED = 0
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
            http = await stack.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)))
            await reach.check(http, self._real, self._password)
            self._rest = RestRoute(http, self._real, self._library, self._trouble, self._watch)
            self._websocket = WebSocketRoute(http, self._real, self._trouble, self._watch)
            app = web.Application(client_max_size=_UNLIMITED)
            app.router.add_static(_FILES, self._music)
            app.router.add_get(LIMITED, _over_the_limit)
            app.router.add_route("*", "/{path:.*}", self._answer)
            self._runner = app_runner(app, shutdown_timeout=0.1)
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

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if request.path == WEBSOCKET_PATH and is_handshake(request):
            return await self._websocket.connect(request)
        data = await request.read()
        seen = SeenRequest(request.method, request.path_qs, readable(data))
        self.requests.append(seen)
        self._changes.notify()
        answer = await self._rest.answer(request, data)
        seen.status = answer.status
        return answer


async def _over_the_limit(_: web.Request) -> web.Response:
    return web.Response(status=429)
