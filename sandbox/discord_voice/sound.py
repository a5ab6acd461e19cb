"""The UDP half: IP discovery, and RTP that is opened and counted."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sandbox.discord_voice import xchacha

if TYPE_CHECKING:
    from sandbox.discord_voice.session import VoiceSession

AES_MODE = "aead_aes256_gcm_rtpsize"
XCHACHA_MODE = "aead_xchacha20_poly1305_rtpsize"
MODES = (AES_MODE, XCHACHA_MODE)
SILENCE = b"\xf8\xff\xfe"
_DISCOVERY = struct.Struct("!HHI64sH")
_REQUEST, _RESPONSE, _DISCOVERY_LENGTH = 1, 2, 70
_RTP = struct.Struct("!BBHII")
_OPUS, _EXTENSION, _VERSION_2 = 0x78, 0x10, 0x80
_RTCP = range(192, 224)
"""What RFC 5761 leaves to control packets, in the byte where RTP has its payload type."""
_HALF = 0x8000


@dataclass(slots=True)
class Sound:
    """What came by UDP in one session, in packets of 20 ms."""

    packets: int = 0
    """Packets of sound that were heard: the session was connected, announced them, and they could be opened."""
    silence: int = 0
    """Of these, the frames of silence that end each stretch of sound."""
    unheard: int = 0
    """Packets that came while the session's WebSocket was closed, or before its first SPEAKING."""
    broken: int = 0
    """Packets that could not be opened with the session's key, or were no RTP."""
    last_sequence: int | None = None
    lost: int = 0
    """Numbers that were left out; one that comes late still counts as left out."""


class SoundPort(asyncio.DatagramProtocol):
    """One UDP port for every session; `session_of` finds the one with an SSRC."""

    def __init__(self, session_of: Callable[[int], VoiceSession | None], changed: Callable[[], None]) -> None:
        self._session_of = session_of
        self._changed = changed
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if len(data) == _DISCOVERY.size and data[:2] == b"\0\x01":
            self._discover(data, addr)
        elif len(data) >= _RTP.size:
            first, kind, sequence, _, ssrc = _RTP.unpack_from(data)
            session = self._session_of(ssrc)
            if session is None or session.frozen or kind in _RTCP:
                return
            if first & 0xC0 != _VERSION_2 or kind & 0x7F != _OPUS:
                session.sound.broken += 1
            else:
                _count(session, data, sequence)
            self._changed()

    def _discover(self, data: bytes, addr: tuple[str, int]) -> None:
        kind, length, ssrc, _, _ = _DISCOVERY.unpack(data)
        session = self._session_of(ssrc)
        if (kind, length) != (_REQUEST, _DISCOVERY_LENGTH) or session is None or session.frozen:
            return
        answer = _DISCOVERY.pack(_RESPONSE, _DISCOVERY_LENGTH, ssrc, addr[0].encode(), addr[1])
        assert self._transport is not None
        self._transport.sendto(answer, addr)


def _count(session: VoiceSession, data: bytes, sequence: int) -> None:
    sound = session.sound
    opus = _opened(session, data)
    if opus is None:
        sound.broken += 1
        return
    if not session.connected or session.speaking is None:
        sound.unheard += 1
        return
    ahead = 1 if sound.last_sequence is None else (sequence - sound.last_sequence) & 0xFFFF
    # Half the numbers are ahead of the last one; the others come late or twice.
    if 0 < ahead < _HALF:
        sound.lost += ahead - 1
        sound.last_sequence = sequence
    sound.packets += 1
    sound.silence += opus == SILENCE


def _opened(session: VoiceSession, data: bytes) -> bytes | None:
    """The Opus frame of a packet; None if the key does not fit."""
    # In the rtpsize modes an extension's first word is part of the clear header.
    header = 16 if data[0] & _EXTENSION else 12
    clear, sealed, number = data[:header], data[header:-4], data[-4:]
    try:
        if session.mode == AES_MODE:
            opened = AESGCM(session.key).decrypt(number + bytes(8), sealed, clear)
        elif session.mode == XCHACHA_MODE:
            opened = xchacha.opened(session.key, number + bytes(20), sealed, clear)
        else:
            return None
    except (InvalidTag, ValueError):
        return None
    extension_words = struct.unpack_from("!H", data, 14)[0] if header == 16 else 0
    return opened[4 * extension_words :]
