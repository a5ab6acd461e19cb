"""Transport compression (discord.com/developers/docs/events/gateway#transport-compression)."""

from __future__ import annotations

import zlib
from typing import Protocol

import zstandard


class Compressor(Protocol):
    """One context for the whole life of a connection; each message ends with a flush."""

    def compress(self, text: str) -> bytes: ...


class ZlibStream:
    def __init__(self) -> None:
        self._context = zlib.compressobj()

    def compress(self, text: str) -> bytes:
        return self._context.compress(text.encode()) + self._context.flush(zlib.Z_SYNC_FLUSH)


class ZstdStream:
    def __init__(self) -> None:
        self._context = zstandard.ZstdCompressor().compressobj()

    def compress(self, text: str) -> bytes:
        flushed = self._context.compress(text.encode())
        return flushed + self._context.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)


def compressor_for(name: str | None) -> Compressor | None:
    """The compressor that a connection's ``compress`` asks for; None for plain text."""
    if name == "zlib-stream":
        return ZlibStream()
    if name == "zstd-stream":
        return ZstdStream()
    return None
