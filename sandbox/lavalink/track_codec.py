"""Lavaplayer's binary track format, which Lavalink hands out as `encoded`.

Layout, big endian: size | flags << 30; version; title; author; length in ms (i64); identifier; isStream;
uri, artwork URL and ISRC, each behind a presence byte (uri from version 2, the others from version 3);
source name; what the source adds (http and local: the container); position in ms (i64).
Strings are Java's modified UTF-8 behind a 16-bit length, so NUL and lone surrogates survive.
"""

import base64
import binascii
import struct
from dataclasses import dataclass

_VERSIONED = 1
_VERSION = 3
_SOURCES_WITH_CONTAINER = ("http", "local")
_MAX_STRING_BYTES = 65535


class UndecodableTrack(ValueError):
    """An `encoded` that cannot be read; the message is what Lavalink puts into its error body."""


@dataclass(frozen=True, slots=True)
class TrackInfo:
    """A track as Lavalink describes it; `length` is in ms, `container` is its `probeInfo`."""

    identifier: str
    title: str
    author: str
    length: int
    uri: str | None
    source_name: str = "http"
    container: str | None = None
    is_stream: bool = False
    artwork_url: str | None = None
    isrc: str | None = None


def encode(info: TrackInfo, position: int = 0) -> str:
    """Base64 of `info` in format version 3, with the given position in ms."""
    body = bytearray([_VERSION])
    body += _string(info.title) + _string(info.author) + struct.pack(">q", info.length)
    body += _string(info.identifier) + bytes([info.is_stream])
    for optional in (info.uri, info.artwork_url, info.isrc):
        body += b"\0" if optional is None else b"\1" + _string(optional)
    body += _string(info.source_name)
    if info.source_name in _SOURCES_WITH_CONTAINER:
        body += _string(info.container or "")
    body += struct.pack(">q", position)
    return base64.b64encode(struct.pack(">I", len(body) | _VERSIONED << 30) + body).decode()


def decode(encoded: str) -> tuple[TrackInfo, int]:
    """The track and its position in ms; raises UndecodableTrack."""
    return _Reader(_unbase64(encoded)).track()


def _unbase64(encoded: str) -> bytes:
    for char in encoded.rstrip("="):
        if not (char.isascii() and (char.isalnum() or char in "+/")):
            fault = f"java.lang.IllegalArgumentException: Illegal base64 character {ord(char):x}"
            raise UndecodableTrack(f"Request processing failed: {fault}")
    try:
        return base64.b64decode(encoded.rstrip("=") + "=" * (-len(encoded.rstrip("=")) % 4))
    except binascii.Error as error:
        fault = "java.lang.IllegalArgumentException: Last unit does not have enough valid bits"
        raise UndecodableTrack(f"Request processing failed: {fault}") from error


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def track(self) -> tuple[TrackInfo, int]:
        header = self._number(">I")
        version = self._number(">B") if header >> 30 & _VERSIONED else 1
        title, author, length, identifier = self._text(), self._text(), self._number(">q"), self._text()
        is_stream = bool(self._number(">B"))
        uri = self._optional() if version >= 2 else None
        artwork_url, isrc = (self._optional(), self._optional()) if version >= 3 else (None, None)
        source_name = self._text()
        if source_name not in _SOURCES_WITH_CONTAINER:
            fault = "Failed to decode track due to a mismatching version or missing source manager"
            raise UndecodableTrack(f"Request processing failed: java.lang.IllegalStateException: {fault}")
        container = self._text()
        position = self._number(">q")
        info = TrackInfo(identifier, title, author, length, uri, source_name, container, is_stream, artwork_url, isrc)
        return info, position

    def _take(self, size: int) -> bytes:
        taken = self._data[self._at : self._at + size]
        if len(taken) < size:
            raise UndecodableTrack("No message available")
        self._at += size
        return taken

    def _number(self, layout: str) -> int:
        return int(struct.unpack(layout, self._take(struct.calcsize(layout)))[0])

    def _text(self) -> str:
        return _from_modified_utf8(self._take(self._number(">H")))

    def _optional(self) -> str | None:
        return self._text() if self._number(">B") else None


def _string(text: str) -> bytes:
    data = _to_modified_utf8(text)
    if len(data) > _MAX_STRING_BYTES:
        raise ValueError(f"{len(data)} bytes do not fit into a Java UTF string")
    return struct.pack(">H", len(data)) + data


def _to_modified_utf8(text: str) -> bytes:
    units = text.encode("utf-16-be", "surrogatepass")
    encoded = "".join(chr(unit) for (unit,) in struct.iter_unpack(">H", units)).encode("utf-8", "surrogatepass")
    return encoded.replace(b"\0", b"\xc0\x80")


def _from_modified_utf8(data: bytes) -> str:
    try:
        units = data.replace(b"\xc0\x80", b"\0").decode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        raise UndecodableTrack("No message available") from error
    # Surrogate pairs come as two three-byte characters: a round through UTF-16 joins them again.
    return units.encode("utf-16-be", "surrogatepass").decode("utf-16-be", "surrogatepass")
