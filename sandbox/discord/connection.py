"""One gateway connection (discord.com/developers/docs/events/gateway)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType, web

from . import shard_requests
from .compression import Compressor, compressor_for
from .frame import Op, Refused, parsed, undecodable
from .identify import check_identify, ready_payload
from .payload import as_object
from .rate_limits import Bucket
from .shard_session import Session
from .snowflake import shard_of

if TYPE_CHECKING:
    from .gateway import Gateway

MISSED = 1.5
"""Heartbeat intervals without a heartbeat, after which a connection is given up."""
ROUND_TRIP_S = 0.02
SENDS_A_MINUTE = 120
# A client's goodbye, and what discord.com/developers/docs/topics/opcodes-and-status-codes says to start anew after.
ENDING = (1000, 1001, 4007, 4009)
VERSION = "10"


class Connection:
    """One WebSocket of a shard; sends what its session has and it has not sent yet."""

    def __init__(self, gateway: Gateway, socket: web.WebSocketResponse, request: web.Request) -> None:
        self.gateway = gateway
        self.world = gateway.world
        self.socket = socket
        self.session: Session | None = None
        self.sent = 0
        self.silent = False
        self._closed_with: int | None = None
        self._sends = Bucket("", SENDS_A_MINUTE, 60.0)
        self._request = request
        self._compressor: Compressor | None = compressor_for(request.query.get("compress"))
        self._awake = asyncio.Event()
        self._sending = asyncio.Lock()
        self._writer: asyncio.Task[None] | None = None
        self._silence: asyncio.TimerHandle | None = None

    def wake(self) -> None:
        self._awake.set()

    @property
    def idle(self) -> bool:
        """Whether everything that the session has was sent."""
        return self.session is not None and self.sent == self.session.seq

    async def send(self, text: str) -> None:
        # A shared compression context makes the order of compressing the order of sending.
        async with self._sending:
            if self.silent:
                return
            if self._compressor is None:
                await self.socket.send_str(text)
            else:
                await self.socket.send_bytes(self._compressor.compress(text))

    async def send_op(self, op: Op, data: Any = None) -> None:
        await self.send(json.dumps({"op": int(op), "d": data, "s": None, "t": None}))

    def cut(self) -> None:
        """Break the connection without a close frame."""
        if self._request.transport is not None:
            self._request.transport.abort()

    async def close(self, code: int, reason: str) -> None:
        """Close the connection by the protocol."""
        self._closed_with = code
        await self.socket.close(code=code, message=reason.encode())

    def fall_silent(self) -> None:
        """Read and send nothing any more, and notice nothing either, until the connection is cut."""
        self.silent = True
        self._hear_nothing()
        if self._request.transport is not None:
            self._request.transport.pause_reading()

    async def run(self) -> None:
        await self.send_op(Op.HELLO, {"heartbeat_interval": round(self.gateway.heartbeat_s * 1000), "_trace": []})
        self._expect_heartbeat()
        try:
            self._check_query()
            async for message in self.socket:
                if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                    break
                await self._received(message.data)
        except Refused as refused:
            self.gateway.refused.append(refused)
            await self.close(refused.code, refused.reason)
        except ConnectionError:
            pass  # the client was gone before its answer
        finally:
            self._hear_nothing()
            await self._detach()

    def _check_query(self) -> None:
        query = self._request.query
        if query.get("v", VERSION) != VERSION:
            raise Refused(4012, "Invalid API version.")
        # What Discord says to these is not documented; what nobody here speaks must not pass for plain JSON.
        if query.get("encoding", "json") != "json" or ("compress" in query and self._compressor is None):
            raise Refused(4002, "Unknown encoding or compression.")

    def _hear_nothing(self) -> None:
        if self._silence is not None:
            self._silence.cancel()

    def _expect_heartbeat(self) -> None:
        self._hear_nothing()
        loop = asyncio.get_running_loop()
        self._silence = loop.call_later(MISSED * self.gateway.heartbeat_s, self._fell_silent)

    def _fell_silent(self) -> None:
        self._closing = asyncio.create_task(self.close(4009, "Session timed out."))

    async def _received(self, raw: str | bytes) -> None:
        if self.silent:
            return
        if self.gateway.limits and not self._sends.take():
            raise Refused(4008, "Rate limited.")
        op, data = parsed(raw)
        opening: dict[Op, Callable[[Any], Awaitable[None]]] = {
            Op.HEARTBEAT: self._heartbeat,
            Op.IDENTIFY: self._identify,
            Op.RESUME: self._resume,
        }
        if op in opening:
            await opening[op](data)
        elif op not in (Op.PRESENCE, Op.VOICE_STATE, Op.REQUEST_MEMBERS):
            raise Refused(4001, "Unknown opcode.")
        elif self.session is None:
            raise Refused(4003, "Not authenticated.")
        elif op is Op.VOICE_STATE:
            shard_requests.change_voice_state(self.world, self.session, as_object(data))
        elif op is Op.REQUEST_MEMBERS:
            shard_requests.send_members(self.world, self.session, as_object(data))

    async def _heartbeat(self, data: Any) -> None:
        if data is not None and type(data) is not int:
            raise undecodable()
        self._expect_heartbeat()
        if self.session is not None and data is not None:
            self.session.acknowledge(min(data, self.sent))
            self.world.changes.notify()
        # A round trip as in life. Clients time it from after their own send, which an answer at once would overtake.
        await asyncio.sleep(ROUND_TRIP_S)
        await self.send_op(Op.HEARTBEAT_ACK)

    async def _identify(self, data: Any) -> None:
        if self.session is not None:
            raise Refused(4005, "Already authenticated.")
        asked = check_identify(as_object(data), self.gateway.token, self.world)
        if not self.gateway.may_identify(asked.shard):
            await self.send_op(Op.INVALID_SESSION, False)
            return
        session = self.world.sessions.start(asked.shard, asked.shards, asked.intents)
        guilds = [g for g in self.world.bot_guilds() if shard_of(g.id, asked.shards) == asked.shard]
        session.dispatch("READY", ready_payload(self.world, session, guilds, self.gateway.url), None)
        self._attach(session, 0)
        for guild in guilds:
            if guild.available:
                session.dispatch("GUILD_CREATE", guild.create_payload(session.intents), guild.id)

    async def _resume(self, data: Any) -> None:
        if self.session is not None:
            raise Refused(4005, "Already authenticated.")
        asked = as_object(data)
        if asked.get("token") != self.gateway.token:
            raise Refused(4004, "Authentication failed.")
        session = self.world.sessions.find(str(asked.get("session_id")))
        seq = asked.get("seq")
        if session is not None and type(seq) is int and seq > session.seq:
            self.gateway.end(session)
            raise Refused(4007, "Invalid seq.")
        if session is None or type(seq) is not int or not session.can_resume_from(seq):
            await self.send_op(Op.INVALID_SESSION, False)
            return
        if session.connection is not None:
            session.connection.cut()
        self._attach(session, seq)
        session.dispatch("RESUMED", {"_trace": []}, None)

    def _attach(self, session: Session, seq: int) -> None:
        self.gateway.keep(session)
        self.session, self.sent = session, seq
        session.connection = self
        self._awake.set()
        self._writer = asyncio.create_task(self._write())
        self.world.changes.notify()

    def forget_session(self) -> None:
        """The session is over; on this connection the client may identify anew."""
        if self._writer is not None:
            self._writer.cancel()
        self.session = None

    async def _write(self) -> None:
        assert self.session is not None
        while not self.socket.closed:
            await self._awake.wait()
            self._awake.clear()
            for seq, text in self.session.after(self.sent):
                try:
                    await self.send(text)
                except (ConnectionError, RuntimeError):
                    return
                self.sent = seq
            self.world.changes.notify()

    async def _detach(self) -> None:
        if self._writer is not None:
            self._writer.cancel()
        session = self.session
        if session is None or session.connection is not self:
            return
        session.connection = None
        # Where we close, the code that the client answers with means nothing.
        if (self._closed_with or self.socket.close_code) in ENDING:
            self.gateway.end(session)
        else:
            self.gateway.expire_later(session)
        self.world.changes.notify()
