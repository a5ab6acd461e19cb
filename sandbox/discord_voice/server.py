"""The voice server as its users see it: an endpoint, an account of the sound, and faults."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from contextlib import AsyncExitStack
from itertools import count
from typing import Self

import trustme
from aiohttp import web

from sandbox.changes import Changes
from sandbox.discord import DiscordStandIn, VoiceCredentials
from sandbox.discord_voice.codes import RESUMABLE, CloseCode
from sandbox.discord_voice.connection import Connection
from sandbox.discord_voice.session import VoiceSession
from sandbox.discord_voice.sound import Sound, SoundPort

HOST = "127.0.0.1"
_FIRST_SSRC = 1001
_FOR_EVER_S = 1e9


class VoiceServer:
    """Discord's voice server for one bot; use it as an async context manager.

    `credentials(guild_id)` says what Discord gave the bot for a guild. The certificate is for `localhost`, by
    `authority`, or one of its own. `heartbeat_s` is the interval that HELLO
    asks for, in seconds; a client that is silent for twice as long is closed with 4009.
    """

    def __init__(
        self,
        credentials: Callable[[int], VoiceCredentials | None],
        bot_id: int,
        *,
        heartbeat_s: float = 13.75,
        authority: trustme.CA | None = None,
    ) -> None:
        self.credentials = credentials
        self.bot_id = bot_id
        self.heartbeat_s = heartbeat_s
        self.silent = False
        """While set, sockets open and no HELLO comes."""
        self.closes: list[int] = []
        """The codes with which the server has closed, in order."""
        self.authority = authority or trustme.CA()
        self.port = 0
        self.sound_address = (HOST, 0)
        self._sessions: dict[int, VoiceSession] = {}
        self._ssrcs = count(_FIRST_SSRC)
        self._changes = Changes()
        self._stack = AsyncExitStack()

    @property
    def endpoint(self) -> str:
        """Host and port, as VOICE_SERVER_UPDATE gives them."""
        return f"localhost:{self.port}"

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            loop = asyncio.get_running_loop()
            transport, _ = await loop.create_datagram_endpoint(
                lambda: SoundPort(self._session_of, self._changes.notify), local_addr=(HOST, 0)
            )
            stack.callback(transport.close)
            self.sound_address = (HOST, int(transport.get_extra_info("sockname")[1]))
            app = web.Application()
            app.router.add_get("/", self._connect)
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            # Its signature also names a library that is not installed.
            self.authority.issue_cert("localhost", HOST).configure_cert(context)  # pyright: ignore[reportUnknownMemberType]
            await web.TCPSite(runner, HOST, 0, ssl_context=context).start()
            self.port = runner.addresses[0][1]
            stack.push_async_callback(self._close_all)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def session(self, guild_id: int) -> VoiceSession | None:
        """The session of a guild, connected or waiting for a resume."""
        return self._sessions.get(guild_id)

    def sound(self, guild_id: int) -> Sound:
        """What came by UDP for a guild's session; nothing without one."""
        session = self._sessions.get(guild_id)
        return Sound() if session is None else session.sound

    async def close(self, guild_id: int, code: int, reason: str = "") -> None:
        """Close a guild's connection with a code; most codes end its session, too."""
        session = self._sessions.get(guild_id)
        if session is not None:
            if code not in RESUMABLE:
                self.forget(session)
            self.note(code)
            await session.close(code, reason)

    def cut(self, guild_id: int) -> None:
        """Drop a guild's TCP connection; its session may be resumed."""
        if guild_id in self._sessions:
            self._sessions[guild_id].cut()

    def freeze(self, guild_id: int, on: bool = True) -> None:
        """A silent death: the connections stay open, and nothing is answered or heard any more."""
        if guild_id in self._sessions:
            self._sessions[guild_id].frozen = on

    async def check(self, guild_id: int) -> None:
        """Close a guild's connection with 4014 if Discord has moved or removed the bot since."""
        session = self._sessions.get(guild_id)
        if session is not None and self._is_stale(session):
            await self.close(guild_id, CloseCode.DISCONNECTED, "Disconnected.")

    async def follow(self, discord: DiscordStandIn) -> None:
        """Check every session whenever something has changed on Discord, until cancelled."""

        def stale() -> list[int]:
            return [guild for guild, session in self._sessions.items() if self._is_stale(session)]

        while True:
            for guild_id in await discord.world.changes.until(stale, _FOR_EVER_S, "a change"):
                await self.check(guild_id)

    def _is_stale(self, session: VoiceSession) -> bool:
        given = self.credentials(session.guild_id)
        return given is None or given.token != session.token

    async def until(self, holds: Callable[[], object], timeout: float = 5.0) -> None:
        """Wait until something holds that this server knows of. Raises TimeoutError."""
        await self._changes.until(holds, timeout, "a change at the voice server")

    # For connections

    def open_session(self, guild_id: int, session_id: str, token: str) -> VoiceSession:
        """A new session; the guild's last one is over."""
        session = VoiceSession(guild_id, session_id, token, next(self._ssrcs), self._changes.notify)
        self._sessions[guild_id] = session
        return session

    def resumable(self, guild_id: int, session_id: str, token: str) -> VoiceSession | None:
        """The session that a RESUME means, if it is still there and Discord still stands by it."""
        session = self._sessions.get(guild_id)
        if session is None or self._is_stale(session):
            return None
        return session if (session.session_id, session.token) == (session_id, token) else None

    def forget(self, session: VoiceSession) -> None:
        """The session is over; it cannot be resumed."""
        if self._sessions.get(session.guild_id) is session:
            del self._sessions[session.guild_id]
        self._changes.notify()

    def note(self, code: int) -> None:
        """The server closes a connection with this code."""
        self.closes.append(code)
        self._changes.notify()

    async def _connect(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(timeout=0.5)
        await socket.prepare(request)
        if self.silent:
            await socket.receive()
            return socket
        await Connection(self, socket, request.transport).serve(request.query.get("v"))
        return socket

    async def _close_all(self) -> None:
        for session in list(self._sessions.values()):
            await session.close(1001, "")

    def _session_of(self, ssrc: int) -> VoiceSession | None:
        return next((session for session in self._sessions.values() if session.ssrc == ssrc), None)
