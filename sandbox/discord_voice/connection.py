"""One WebSocket of the voice gateway, from HELLO to its close."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, cast

from aiohttp import WSMsgType, web

from sandbox.discord_voice.codes import RESUMABLE, CloseCode, Op
from sandbox.discord_voice.session import VoiceSession
from sandbox.discord_voice.sound import MODES

if TYPE_CHECKING:
    from sandbox.discord_voice.server import VoiceServer

_VERSION = "8"


class Closed(Exception):
    """The connection ends with this code."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class Connection:
    """Reads what a client sends and answers it, as Discord documents it for version 8."""

    def __init__(self, server: VoiceServer, socket: web.WebSocketResponse, transport: asyncio.Transport | None) -> None:
        self._server = server
        self._socket = socket
        self._transport = transport
        self._session: VoiceSession | None = None
        self._patience_ends = 0.0

    async def serve(self, version: str | None) -> None:
        """Serve until the connection is closed by either side."""
        ended_by_client = False
        try:
            if version != _VERSION:
                raise Closed(CloseCode.BAD_REQUEST, "Version 8 only")
            interval_ms = round(self._server.heartbeat_s * 1000)
            await self._socket.send_json({"op": Op.HELLO, "d": {"v": 8, "heartbeat_interval": interval_ms}})
            self._expect_heartbeat()
            ended_by_client = await self._read()
        except Closed as closed:
            self._server.note(closed.code)
            await self._socket.close(code=closed.code, message=closed.reason.encode())
        except ConnectionError:
            pass
        finally:
            # A client answers the server's close with any code; that ends no session.
            if self._session is not None and self._session.detach(self._socket) and ended_by_client:
                self._server.forget(self._session)

    def _expect_heartbeat(self) -> None:
        self._patience_ends = asyncio.get_running_loop().time() + 2 * self._server.heartbeat_s

    async def _read(self) -> bool:
        """Read until the end; whether the client has ended its session."""
        while True:
            try:
                async with asyncio.timeout_at(self._patience_ends):
                    message = await self._socket.receive()
            except TimeoutError:
                if self._session is not None and self._session.frozen:
                    self._expect_heartbeat()
                    continue
                raise Closed(CloseCode.SESSION_TIMEOUT, "Session timed out.") from None
            if message.type is WSMsgType.CLOSE:
                return message.data not in RESUMABLE
            if message.type in (WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
                return False
            if self._session is None or not self._session.frozen:
                await self._take(message.data)

    async def _take(self, text: str | bytes) -> None:
        try:
            message: Any = json.loads(text)
            op, data = message["op"], message["d"]
        except (ValueError, TypeError, KeyError, RecursionError):
            raise Closed(CloseCode.UNDECODABLE, "Failed to decode payload.") from None
        if type(op) is not int or op not in set(Op):
            raise Closed(CloseCode.UNKNOWN_OPCODE, "Unknown opcode.")
        try:
            await self._answer(Op(op), data)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            raise Closed(CloseCode.UNDECODABLE, "Failed to decode payload.") from None

    async def _answer(self, op: Op, data: Any) -> None:
        if op is Op.HEARTBEAT:
            await self._beat(data)
        elif op is Op.IDENTIFY:
            await self._identify(data)
        elif op is Op.RESUME:
            await self._resume(data)
        elif self._session is None:
            raise Closed(CloseCode.NOT_AUTHENTICATED, "Not authenticated.")
        elif op is Op.SELECT_PROTOCOL:
            await self._select_protocol(self._session, data)
        elif op is Op.SPEAKING:
            self._session.announce(_whole(data["speaking"]), _whole(data["ssrc"]))
        elif op not in (Op.VIDEO, Op.MEDIA_SINK_WANTS):
            raise Closed(CloseCode.UNKNOWN_OPCODE, "Unknown opcode.")

    async def _beat(self, data: dict[str, Any]) -> None:
        # Before READY nothing has a number.
        beat, acknowledged = data["t"], _whole(data["seq_ack"] if self._session else data.get("seq_ack", -1))
        self._expect_heartbeat()
        if self._session is not None:
            self._session.heartbeats += 1
            self._session.acknowledge(acknowledged)
            self._session.changed()
        await self._socket.send_json({"op": Op.HEARTBEAT_ACK, "d": {"t": beat}})

    async def _identify(self, data: dict[str, Any]) -> None:
        if self._session is not None:
            raise Closed(CloseCode.ALREADY_AUTHENTICATED, "Already authenticated.")
        guild_id, token, session_id = int(data["server_id"]), str(data["token"]), str(data["session_id"])
        given = self._server.credentials(guild_id)
        if given is None:
            raise Closed(CloseCode.SERVER_NOT_FOUND, "Server not found.")
        if token != given.token or int(data["user_id"]) != self._server.bot_id:
            raise Closed(CloseCode.AUTHENTICATION_FAILED, "Authentication failed.")
        if session_id != given.session_id:
            raise Closed(CloseCode.SESSION_INVALID, "Session is no longer valid.")
        session = self._session = self._server.open_session(guild_id, session_id, token)
        session.attach(self._socket, self._transport)
        host, port = self._server.sound_address
        ready = {"ssrc": session.ssrc, "ip": host, "port": port, "modes": list(MODES), "experiments": []}
        await session.send(Op.READY, ready)

    async def _select_protocol(self, session: VoiceSession, data: dict[str, Any]) -> None:
        if data["protocol"] != "udp":
            raise Closed(CloseCode.UNKNOWN_PROTOCOL, "Unknown protocol.")
        chosen = cast("dict[str, object]", data["data"])
        if not isinstance(chosen["address"], str) or not isinstance(chosen["port"], int):
            raise TypeError
        if chosen["mode"] not in MODES:
            raise Closed(CloseCode.UNKNOWN_MODE, "Unknown encryption mode.")
        session.mode = str(chosen["mode"])
        description = {
            "mode": session.mode,
            "secret_key": list(session.key),
            "audio_codec": "opus",
            "video_codec": None,
            "media_session_id": session.session_id,
            "dave_protocol_version": 0,
        }
        await session.send(Op.SESSION_DESCRIPTION, description)
        session.changed()

    async def _resume(self, data: dict[str, Any]) -> None:
        if self._session is not None:
            raise Closed(CloseCode.ALREADY_AUTHENTICATED, "Already authenticated.")
        shown = (int(data["server_id"]), str(data["session_id"]), str(data["token"]))
        seq = _whole(data.get("seq_ack", -1))
        session = self._server.resumable(*shown)
        if session is None or not session.can_resume_from(seq):
            raise Closed(CloseCode.SESSION_INVALID, "Session is no longer valid.")
        session.acknowledge(seq)
        session.resumes += 1
        self._session = session
        session.attach(self._socket, self._transport)
        await self._socket.send_json({"op": Op.RESUMED, "d": None})
        await session.replay()


def _whole(value: object) -> int:
    """A whole number. Raises TypeError."""
    if type(value) is not int:
        raise TypeError
    return value
