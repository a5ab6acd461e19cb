"""The stand-in: a Lavalink 4.2.2 on loopback that plays the files of a folder by the clock."""

import asyncio
import socket
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from aiohttp import web

from sandbox.chance import Chance
from sandbox.changes import Changes
from sandbox.lavalink.account import Account
from sandbox.lavalink.app_runner import app_runner
from sandbox.lavalink.library import MusicLibrary
from sandbox.lavalink.loader import SLOW_LOAD_S, Loader
from sandbox.lavalink.node import Node, SeenRequest, VoiceCheck
from sandbox.lavalink.player import Player
from sandbox.lavalink.races import Races
from sandbox.lavalink.rest_answers import FILES_PATH, WEBSOCKET_PATH, answers
from sandbox.lavalink.rest_info import info_routes
from sandbox.lavalink.rest_players import PlayerRoutes
from sandbox.lavalink.rest_sessions import session_routes
from sandbox.lavalink.rest_tracks import track_routes
from sandbox.lavalink.trouble import Trouble, known_kind
from sandbox.lavalink.voice import RESUMABLE_CLOSE_CODES
from sandbox.lavalink.websocket import WebSocketRoute

_HOST = "127.0.0.1"
_GOING_AWAY = 1001
_LARGEST_BODY = 1 << 24


class LavalinkStandIn:
    """A Lavalink server for tests and for the sandbox's console; use it as an async context manager.

    `voice_check(guild_id, voice_state)` says whether the voice data is what Discord gave: True connects,
    False is rejected by close code 4006, a number by that code, "silent" never says hello, None never lets
    the socket open; without a check everything connects. `seed` chooses the orders that a real server leaves
    to chance, `races=False` always takes the common one.
    """

    def __init__(
        self,
        password: str = "youshallnotpass",
        *,
        music: Path,
        voice_check: VoiceCheck | None = None,
        seed: int = 0,
        races: bool = True,
        stuck_threshold_ms: int = 10_000,
        slow_load_s: float = SLOW_LOAD_S,
        port: int = 0,
    ) -> None:
        self._library = MusicLibrary(music)
        self._music = music
        self._changes = Changes()
        trouble = Trouble()
        loader = Loader(self._library, trouble, slow_load_s=slow_load_s)
        chance = Races(seed, enabled=races)
        self._node = Node(password, loader, chance, stuck_threshold_ms, voice_check, self._changes.notify, trouble)
        self._runner: web.AppRunner | None = None
        # Bound and never listening: it keeps the port ours while the server is down, and refuses connections.
        self._reserved = _bound(port)
        self.port: int = self._reserved.getsockname()[1]
        self._library.base_url = f"{self.base_url}{FILES_PATH}"

    @property
    def base_url(self) -> str:
        """The server's address, without the password."""
        return f"http://{_HOST}:{self.port}"

    @property
    def uri(self) -> str:
        """The address with the password as userinfo, as LAVALINK_NODES takes it."""
        return f"http://:{quote(self._node.password, safe='')}@{_HOST}:{self.port}"

    @property
    def account(self) -> Account:
        """What was played, down to the frame; it outlives `down`."""
        return self._node.account

    @property
    def requests(self) -> deque[SeenRequest]:
        """The latest requests, REST and WebSocket handshakes, oldest first."""
        return self._node.requests

    @property
    def running(self) -> bool:
        """Whether it is up."""
        return self._runner is not None

    def file_url(self, name: str) -> str:
        """The address of a file, a subfolder or a faulty track."""
        return f"{self._library.base_url}/{quote(name)}"

    def players(self, guild_id: int | None = None) -> list[Player]:
        """The players of all sessions, or those of one guild."""
        return [player for player in self._node.players() if guild_id in (None, player.guild_id)]

    @property
    def user_ids(self) -> set[int]:
        """The bots that have a session."""
        return {session.user_id for session in self._node.sessions.values()}

    async def __aenter__(self) -> Self:
        await self.up()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.down()
        self._reserved.close()

    async def up(self) -> None:
        """End every fault; start, on the same port as ever and without sessions, if it is down."""
        self._node.heal()
        if self._runner is not None:
            return
        app = web.Application(middlewares=[answers(self._node)], client_max_size=_LARGEST_BODY)
        app.on_response_prepare.append(_add_version)
        app.add_routes([*info_routes(self._node), *track_routes(self._node), *session_routes(self._node)])
        app.add_routes(PlayerRoutes(self._node).routes())
        app.add_routes([web.get(WEBSOCKET_PATH, WebSocketRoute(self._node).connect)])
        app.router.add_static(FILES_PATH, self._music)
        self._runner = app_runner(app, shutdown_timeout=0.0)
        await self._runner.setup()
        await web.SockSite(self._runner, _bound(self.port)).start()
        self._changes.notify()

    async def down(self) -> None:
        """Crash: connections drop without a close frame, sessions and players are gone, the port refuses.

        What hangs is healed.
        """
        runner, self._runner = self._runner, None
        if runner is None:
            return
        for site in list(runner.sites):
            await site.stop()
        for session in list(self._node.sessions.values()):
            session.destroy("down")
        self._node.sessions.clear()
        for connection in list(runner.server.connections if runner.server else []):
            if connection.transport is not None:
                connection.transport.abort()
        await runner.cleanup()
        self._node.heal()
        self._changes.notify()

    async def stop_gracefully(self) -> None:
        """Stop as SIGTERM does: WebSockets are closed with 1001, or by chance without a close frame."""
        for session in self._node.sessions.values():
            if self._node.races.heads():
                session.cut()
        await asyncio.gather(*(session.close(_GOING_AWAY) for session in self._node.sessions.values()))
        await self.down()

    async def reset(self, *, seed: int | None = None) -> None:
        """Drop the WebSockets' TCP connections; sessions stay as long as they may be resumed."""
        chance = Chance(seed)
        sessions = [session for session in self._node.sessions.values() if session.connected and chance.strikes()]
        for session in sessions:
            session.cut()
        await self.until(lambda: not any(session.connected for session in sessions))

    def slow(self, seconds: float, *, seed: int | None = None) -> None:
        """Carry every request out at once, and answer it so much later, or by chance some part of that."""
        self._node.trouble.slow(seconds, seed)

    def halfopen(self, *, seed: int | None = None) -> None:
        """Take connections and requests, answer none (or by chance some) and send no message until `up`."""
        self._node.trouble.silence = Chance(seed)

    def ratelimit(self, times: int, *, seed: int | None = None) -> None:
        """The sources refuse the next look-ups with 429; Lavalink itself has no limit."""
        self._node.trouble.refuse(times, seed)

    def drop_event(self, kind: str, *, seed: int | None = None) -> None:
        """The next message of a kind is lost: an op such as `playerUpdate`, or an event's type.

        Raises ValueError for a kind that there is not.
        """
        self._node.trouble.lost.append((known_kind(kind), Chance(seed)))

    def hang(self, path_prefix: str) -> None:
        """Answer no request to these paths until `heal`, which lets those that still wait proceed."""
        self._node.hung_prefixes.append(path_prefix)

    def hang_voice(self) -> None:
        """From now on no voice endpoint answers: voice PATCHes hang, and for that player they always will."""
        self._node.voice_hangs = True

    def heal(self) -> None:
        """End `slow`, `hang` and `hang_voice`."""
        self._node.heal()

    def close_voice(self, guild_id: int, code: int, reason: str = "", *, by_remote: bool = True) -> None:
        """Close the voice sockets of a guild; Lavalink resumes 4009, 4015, 4016, 1001 and 1006 unseen."""
        if by_remote and code in RESUMABLE_CLOSE_CODES:
            return
        for player in self.players(guild_id):
            if player.voice.connected:
                player.voice_closed(code, reason, by_remote=by_remote)

    def clean_up(self, guild_id: int) -> None:
        """End the tracks of a guild with reason `cleanup`."""
        for player in self.players(guild_id):
            player.end("cleanup")

    async def until(self, predicate: Callable[[], object], timeout: float = 5.0) -> None:
        """Wait until the predicate is true; it is asked again after every change. Raises TimeoutError."""
        await self._changes.until(predicate, timeout, "a change at Lavalink")


def _bound(port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind((_HOST, port))
    return bound


async def _add_version(_: web.Request, response: web.StreamResponse) -> None:
    response.headers["Lavalink-Api-Version"] = "4"
