"""One gateway connection (discord.com/developers/docs/events/gateway)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from enum import IntEnum
from typing import TYPE_CHECKING, Any, cast

from aiohttp import WSMsgType, web

from . import voice
from .compression import Compressor, compressor_for
from .identify import Refused, check_identify, ready_payload
from .intents import Intent
from .payload import Json, as_object
from .shard_session import Session
from .snowflake import shard_of

if TYPE_CHECKING:
    from .gateway import Gateway

MISSED = 1.5
"""Heartbeat intervals without a heartbeat, after which a connection is given up."""
ROUND_TRIP_S = 0.02


class Op(IntEnum):
    DISPATCH = 0
    HEARTBEAT = 1
    IDENTIFY = 2
    PRESENCE = 3
    VOICE_STATE = 4
    RESUME = 6
    RECONNECT = 7
    REQUEST_MEMBERS = 8
    INVALID_SESSION = 9
    HELLO = 10
    HEARTBEAT_ACK = 11


class Connection:
    """One WebSocket of a shard; sends what its session has and it has not sent yet."""

    def __init__(self, gateway: Gateway, socket: web.WebSocketResponse, request: web.Request) -> None:
        self.gateway = gateway
        self.world = gateway.world
        self.socket = socket
        self.session: Session | None = None
        self.sent = 0
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

    async def run(self) -> None:
        await self.send_op(Op.HELLO, {"heartbeat_interval": round(self.gateway.heartbeat_s * 1000), "_trace": []})
        self._expect_heartbeat()
        try:
            async for message in self.socket:
                if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                    break
                await self._received(message.data)
        except Refused as refused:
            await self.socket.close(code=refused.code, message=refused.reason.encode())
        finally:
            if self._silence is not None:
                self._silence.cancel()
            await self._detach()

    def _expect_heartbeat(self) -> None:
        if self._silence is not None:
            self._silence.cancel()
        loop = asyncio.get_running_loop()
        self._silence = loop.call_later(MISSED * self.gateway.heartbeat_s, self._fell_silent)

    def _fell_silent(self) -> None:
        self._closing = asyncio.create_task(self.socket.close(code=4009, message=b"Session timed out."))

    async def _received(self, raw: str | bytes) -> None:
        try:
            frame = as_object(json.loads(raw))
            op = Op(frame["op"])
        except (KeyError, TypeError):
            raise Refused(4002, "Error while decoding payload.") from None
        except ValueError as error:
            code = 4002 if isinstance(error, json.JSONDecodeError) else 4001
            raise Refused(code, "Unknown opcode." if code == 4001 else "Error while decoding payload.") from None
        handlers: dict[Op, Callable[[Any], Awaitable[None]]] = {
            Op.HEARTBEAT: self._heartbeat,
            Op.IDENTIFY: self._identify,
            Op.RESUME: self._resume,
            Op.VOICE_STATE: self._voice_state,
            Op.REQUEST_MEMBERS: self._request_members,
        }
        if op is Op.PRESENCE:
            return
        if op not in handlers:
            raise Refused(4001, "Unknown opcode.")
        if self.session is None and op not in (Op.HEARTBEAT, Op.IDENTIFY, Op.RESUME):
            raise Refused(4003, "Not authenticated.")
        await handlers[op](frame.get("d"))

    async def _heartbeat(self, data: Any) -> None:
        self._expect_heartbeat()
        if self.session is not None and isinstance(data, int):
            self.session.acknowledge(min(data, self.sent))
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
        asked = as_object(data)
        if asked.get("token") != self.gateway.token:
            raise Refused(4004, "Authentication failed.")
        session = self.world.sessions.find(str(asked.get("session_id")))
        seq = asked.get("seq")
        if session is None or not isinstance(seq, int) or not session.can_resume_from(seq):
            await self.send_op(Op.INVALID_SESSION, False)
            return
        if session.connection is not None:
            session.connection.cut()
        self._attach(session, seq)
        session.dispatch("RESUMED", {"_trace": []}, None)

    async def _voice_state(self, data: Any) -> None:
        asked = as_object(data)
        guild = self.world.guilds.get(_snowflake(asked.get("guild_id")))
        if guild is None or not guild.has_bot or self.session is None:
            return
        if asked.get("channel_id") is None:
            voice.remove(guild.me)
            return
        channel = self.world.channels.get(_snowflake(asked["channel_id"]))
        # Discord answers an impossible wish with silence.
        if channel in guild.channels and voice.may_connect(guild.me, channel):
            flags = {name: bool(asked.get(name)) for name in ("self_mute", "self_deaf")}
            voice.place(guild.me, channel, self.session.id, **flags)

    async def _request_members(self, data: Any) -> None:
        asked = as_object(data)
        guild = self.world.guilds.get(_snowflake(asked.get("guild_id")))
        if guild is None or self.session is None:
            return
        wanted: Any = asked.get("user_ids") or []
        ids = {_snowflake(user_id) for user_id in (cast(list[Any], wanted) if isinstance(wanted, list) else [wanted])}
        query = str(asked.get("query") or "").casefold()
        if not ids and not query and not self.session.intents & Intent.GUILD_MEMBERS:
            return
        found = [
            member.payload()
            for member in guild.members.values()
            if (member.id in ids if ids else member.name.casefold().startswith(query))
        ]
        chunk: Json = {"guild_id": str(guild.id), "members": found[: asked.get("limit") or None]}
        chunk |= {"chunk_index": 0, "chunk_count": 1, "not_found": [], "nonce": asked.get("nonce")}
        self.session.dispatch("GUILD_MEMBERS_CHUNK", chunk, guild.id)

    def _attach(self, session: Session, seq: int) -> None:
        self.gateway.keep(session)
        self.session, self.sent = session, seq
        session.connection = self
        self._awake.set()
        self._writer = asyncio.create_task(self._write())
        self.world.changes.notify()

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
        # A client that says goodbye with 1000 or 1001 ends its session; any other way it may resume.
        if self.socket.close_code in (1000, 1001):
            self.gateway.end(session)
        else:
            self.gateway.expire_later(session)
        self.world.changes.notify()


def _snowflake(value: Any) -> int:
    try:
        return int(value or 0)
    except (TypeError, ValueError):
        raise Refused(4002, "Error while decoding payload.") from None
