"""The gateway v10 (discord.com/developers/docs/events/gateway): who is connected, and whose session lives."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web

from sandbox.chance import Chance

from . import voice
from .connection import Connection
from .frame import Op, Refused
from .payload import Json

if TYPE_CHECKING:
    from .shard_session import Session
    from .world import World

IDENTIFY_WINDOW = 5.0
IDENTIFIES_A_DAY = 1000


class Gateway:
    """Accepts connections and keeps sessions.

    A session whose connection broke can be resumed for ``session_lifetime`` seconds; then the bot
    is gone, from voice too. With ``limits`` at most ``max_concurrency`` shards identify in 5 s.
    """

    def __init__(self, world: World, token: str, session_lifetime: float, max_concurrency: int, limits: bool) -> None:
        self.world = world
        self.token = token
        self.url = ""
        self.heartbeat_s = 41.25
        """What connections from now on are told."""
        self.opened = 0
        """Connections so far."""
        self.refused: list[Refused] = []
        """Why connections were closed, where it was for what the client had sent."""
        self._session_lifetime = session_lifetime
        self._max_concurrency = max_concurrency
        self.limits = limits
        self._identifies = 0
        self._identified_at: dict[int, float] = {}
        self._connections: set[Connection] = set()
        self._expiring: dict[str, asyncio.TimerHandle] = {}

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        # Whatever is too long is refused by Discord's own rule, and noted.
        socket = web.WebSocketResponse(max_msg_size=0)
        await socket.prepare(request)
        connection = Connection(self, socket, request)
        self._connections.add(connection)
        self.opened += 1
        try:
            await connection.run()
        finally:
            self._connections.discard(connection)
        return socket

    def may_identify(self, shard: int) -> bool:
        self._identifies += 1
        now = asyncio.get_running_loop().time()
        bucket = shard % self._max_concurrency
        last = self._identified_at.get(bucket)
        if self.limits and last is not None and now - last < IDENTIFY_WINDOW:
            return False
        self._identified_at[bucket] = now
        return True

    def bot_info(self) -> Json:
        """``GET /gateway/bot``: one shard for every thousand guilds."""
        return {
            "url": self.url,
            "shards": 1 + len(self.world.bot_guilds()) // 1000,
            "session_start_limit": {
                "total": IDENTIFIES_A_DAY,
                "remaining": max(0, IDENTIFIES_A_DAY - self._identifies),
                "reset_after": 86_400_000,
                "max_concurrency": self._max_concurrency,
            },
        }

    def ready(self) -> bool:
        """Whether every shard of a bot is connected and has been told everything."""
        connected = self.world.sessions.connected()
        shards = {session.shard for session in connected}
        return bool(connected) and all(
            shards >= set(range(s.shards)) and s.connection is not None and s.connection.idle for s in connected
        )

    def cut(self, chance: Chance | None = None) -> None:
        """Break every connection, or where chance strikes, without a word; the sessions stay."""
        for connection in list(self._connections):
            if chance is None or chance.strikes():
                connection.cut()

    def fall_silent(self, chance: Chance) -> None:
        """Hear and say nothing any more where chance strikes, as if the other side's host had vanished."""
        for connection in list(self._connections):
            if chance.strikes():
                connection.fall_silent()

    def break_silence(self) -> None:
        """The other side is there again, and knows nothing of connections that fell silent."""
        for connection in list(self._connections):
            if connection.silent:
                connection.cut()

    async def close_all(self, code: int, reason: str) -> None:
        """Close every connection by the protocol; the sessions stay."""
        for connection in list(self._connections):
            await connection.close(code, reason)

    async def ask_for_heartbeats(self) -> None:
        """Op 1 to every connection."""
        for connection in list(self._connections):
            await connection.send_op(Op.HEARTBEAT)

    async def ask_to_reconnect(self) -> None:
        """Op 7 to every connection."""
        for connection in list(self._connections):
            await connection.send_op(Op.RECONNECT)

    async def invalidate(self, resumable: bool) -> None:
        """Op 9 to every connection; unless ``resumable`` its session is over."""
        for connection in list(self._connections):
            session = connection.session
            if session is not None and not resumable:
                self.end(session)
                connection.forget_session()
            await connection.send_op(Op.INVALID_SESSION, resumable)

    def keep(self, session: Session) -> None:
        if timer := self._expiring.pop(session.id, None):
            timer.cancel()

    def expire_later(self, session: Session) -> None:
        self.keep(session)
        loop = asyncio.get_running_loop()
        self._expiring[session.id] = loop.call_later(self._session_lifetime, self.end, session)

    def end(self, session: Session) -> None:
        """The session is over: nothing is kept for it, and its voice connections end."""
        self.keep(session)
        self.world.sessions.end(session)
        for guild in self.world.bot_guilds():
            state = guild.voice_states.get(guild.me.id)
            if state is not None and state.session_id == session.id:
                voice.remove(guild.me)
        self.world.changes.notify()

    def close(self) -> None:
        self.cut()
        for timer in self._expiring.values():
            timer.cancel()
        self._expiring.clear()
