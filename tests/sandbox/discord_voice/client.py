"""A voice client that does what Discord's documentation says, step by step, and nothing more."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import time
from types import TracebackType
from typing import Any, Protocol, Self

import aiohttp
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_encrypt

from sandbox.discord_voice import VoiceServer
from tests.sandbox.closing import code_of

AES_MODE = "aead_aes256_gcm_rtpsize"
XCHACHA_MODE = "aead_xchacha20_poly1305_rtpsize"


class Shown(Protocol):
    """What Discord gave the bot."""

    @property
    def token(self) -> str: ...
    @property
    def session_id(self) -> str: ...


class Closed(AssertionError):
    """The server closed the connection, with this code, where a message was expected."""

    def __init__(self, code: int | None) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


class VoiceClient:
    """One bot in one guild; messages are read by `get` only, in order. The server's certificate is PEM."""

    def __init__(self, endpoint: str, certificate: bytes, guild_id: int, shown: Shown, user_id: int) -> None:
        self._endpoint = endpoint
        self._guild_id = guild_id
        self._shown = shown
        self._user_id = user_id
        context = ssl.create_default_context()
        context.load_verify_locations(cadata=certificate.decode())
        self._http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context))
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.setblocking(False)
        self.ws: aiohttp.ClientWebSocketResponse
        self.seq = -1
        self.ready: dict[str, Any] = {}
        self.key = b""
        self.address = ("", 0)
        self._mode = AES_MODE
        self.heartbeat_s = 0.0
        self._sent = 0

    @classmethod
    def to(cls, server: VoiceServer, guild_id: int, shown: Shown, user_id: int) -> Self:
        """A client of a server of this process."""
        return cls(server.endpoint, server.authority.cert_pem.bytes(), guild_id, shown, user_id)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._udp.close()
        await self._http.close()

    async def connect(self, version: int = 8) -> None:
        self.ws = await self._http.ws_connect(f"wss://{self._endpoint}/?v={version}")

    async def send(self, op: int, data: Any) -> None:
        await self.ws.send_json({"op": op, "d": data})

    async def get(self, op: int) -> Any:
        """The data of the next message, which must be of this kind. Raises ``Closed``."""
        message = await self.ws.receive(timeout=5)
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise Closed(code_of(self.ws, message))
        read = message.json()
        assert read["op"] == op, read
        self.seq = read.get("seq", self.seq)
        return read["d"]

    async def closed(self, timeout: float | None = 5) -> int | None:
        """The code with which the server closes; what came before is thrown away."""
        async with asyncio.timeout(timeout):
            while (message := await self.ws.receive()).type is aiohttp.WSMsgType.TEXT:
                pass
        return code_of(self.ws, message)

    def identity(self, **changed: Any) -> dict[str, Any]:
        shown = {"server_id": str(self._guild_id), "session_id": self._shown.session_id, "token": self._shown.token}
        return shown | {"user_id": str(self._user_id)} | changed

    async def join(self, *, speaking: bool = True, mode: str = AES_MODE) -> None:
        """Connect as far as sound can be sent; without ``speaking`` none is announced."""
        self._mode = mode
        await self.connect()
        self.heartbeat_s = (await self.get(8))["heartbeat_interval"] / 1000
        assert self.heartbeat_s > 0
        await self.send(0, self.identity())
        self.ready = await self.get(2)
        address, port = self.address = await self.discover()
        await self.send(1, {"protocol": "udp", "data": {"address": address, "port": port, "mode": mode}})
        description = await self.get(4)
        assert description["mode"] == mode
        self.key = bytes(description["secret_key"])
        if speaking:
            await self.send(5, {"speaking": 1, "delay": 0, "ssrc": self.ready["ssrc"]})
            # Its answer says that what went before has arrived: UDP would overtake it.
            await self.send(3, {"t": 0, "seq_ack": -1})
            await self.get(6)

    async def resume(self) -> None:
        """Connect anew and resume."""
        await self.connect()
        await self.get(8)
        await self.send(7, self.identity(seq_ack=self.seq))

    async def beat(self) -> None:
        """Send heartbeats, until cancelled."""
        while True:
            await asyncio.sleep(self.heartbeat_s)
            await self.send(3, {"t": int(time.time() * 1000), "seq_ack": self.seq})

    async def discover(self) -> tuple[str, int]:
        """The own address as the server sees it."""
        loop = asyncio.get_running_loop()
        await loop.sock_connect(self._udp, (self.ready["ip"], self.ready["port"]))
        await loop.sock_sendall(self._udp, struct.pack("!HHI66x", 1, 70, self.ready["ssrc"]))
        answer = await asyncio.wait_for(loop.sock_recv(self._udp, 100), 5)
        kind, length, ssrc, address, port = struct.unpack("!HHI64sH", answer)
        assert (kind, length, ssrc) == (2, 70, self.ready["ssrc"])
        return address.rstrip(b"\0").decode(), port

    def speak(self, opus: bytes = b"sound", *, key: bytes | None = None, skip: int = 0) -> None:
        """Send one packet; `skip` leaves so many numbers out before it."""
        self._sent += skip
        self.send_raw(self.packet(opus, key=key))

    def packet(self, opus: bytes = b"sound", *, key: bytes | None = None, extension: bytes = b"") -> bytes:
        """The next packet; an ``extension`` is of whole words, and only its length travels in the clear."""
        self._sent += 1
        flags = 0x90 if extension else 0x80
        header = struct.pack("!BBHII", flags, 0x78, self._sent & 0xFFFF, self._sent * 960, self.ready["ssrc"])
        if extension:
            header += struct.pack("!HH", 0xBEDE, len(extension) // 4)
        nonce = struct.pack("!I", self._sent)
        return header + self._sealed(extension + opus, header, nonce, key or self.key) + nonce

    def _sealed(self, sound: bytes, header: bytes, nonce: bytes, key: bytes) -> bytes:
        if self._mode == AES_MODE:
            return AESGCM(key).encrypt(nonce + bytes(8), sound, header)
        return crypto_aead_xchacha20poly1305_ietf_encrypt(sound, header, nonce + bytes(20), key)

    @property
    def own_port(self) -> int:
        """The port from which it sends."""
        return self._udp.getsockname()[1]

    def send_raw(self, datagram: bytes) -> None:
        self._udp.send(datagram)
