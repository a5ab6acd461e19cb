"""A voice session: it outlives its WebSocket for as long as it may be resumed."""

from __future__ import annotations

import asyncio
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from sandbox.discord_voice.codes import Op
from sandbox.discord_voice.sound import Sound


@dataclass(slots=True)
class VoiceSession:
    """What the server knows of one bot in one guild."""

    guild_id: int
    session_id: str
    token: str
    ssrc: int
    changed: Any
    mode: str = ""
    key: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    sound: Sound = field(default_factory=Sound)
    speaking: int | None = None
    """Flags of the client's last SPEAKING; None before the first, without which Discord hears nothing."""
    frozen: bool = False
    """Whether nothing is answered any more, with all connections open."""
    heartbeats: int = 0
    resumes: int = 0
    seq_ack: int = -1
    """The last number that the client said it has got."""
    _socket: web.WebSocketResponse | None = None
    _transport: asyncio.Transport | None = None
    _seq: int = 0
    _unacknowledged: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])

    @property
    def connected(self) -> bool:
        """Whether its WebSocket is open."""
        return self._socket is not None

    def attach(self, socket: web.WebSocketResponse, transport: asyncio.Transport | None) -> None:
        """From now on messages go to this socket, which is carried by that transport."""
        self._socket, self._transport = socket, transport
        self.changed()

    def detach(self, socket: web.WebSocketResponse) -> bool:
        """That socket is gone; whether it was this session's until now."""
        if self._socket is not socket:
            return False
        self._socket = self._transport = None
        self.changed()
        return True

    async def send(self, op: Op, data: object) -> None:
        """Send a message with a number, kept until it is acknowledged."""
        self._seq += 1
        text = json.dumps({"op": op, "d": data, "seq": self._seq})
        self._unacknowledged.append((self._seq, text))
        if self._socket is not None:
            await self._socket.send_str(text)

    def acknowledge(self, seq: int) -> None:
        """The client has got everything up to this number."""
        self.seq_ack = max(self.seq_ack, min(seq, self._seq))
        self._unacknowledged = [kept for kept in self._unacknowledged if kept[0] > seq]

    def can_resume_from(self, seq: int) -> bool:
        """Whether everything after this number is still kept."""
        return self.seq_ack <= seq <= self._seq

    def announce(self, speaking: int, ssrc: int) -> None:
        """SPEAKING: sound will come from this source."""
        if ssrc == self.ssrc:
            self.speaking = speaking
        self.changed()

    async def replay(self) -> None:
        """Send again what was not acknowledged."""
        assert self._socket is not None
        for _, text in self._unacknowledged:
            await self._socket.send_str(text)

    async def close(self, code: int, reason: str) -> None:
        """Close the WebSocket with a code."""
        socket, self._socket = self._socket, None
        if socket is not None:
            await socket.close(code=code, message=reason.encode())
        self.changed()

    def cut(self) -> None:
        """Drop the TCP connection of the WebSocket."""
        if self._transport is not None:
            self._transport.abort()
