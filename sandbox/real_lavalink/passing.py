"""What goes through the proxy: which headers, and the end of a connection."""

from __future__ import annotations

from collections.abc import Container

from aiohttp import web
from multidict import CIMultiDict, MultiMapping

# RFC 9110, 7.6.1, and what is the connection's own.
_HOP_BY_HOP = frozenset({"connection", "content-length", "host", "keep-alive", "transfer-encoding", "upgrade"})
# What is compressed is read on the way.
_ASKED = _HOP_BY_HOP | {"accept-encoding"}
_ANSWERED = _HOP_BY_HOP | {"content-encoding"}


def asked_headers(headers: MultiMapping[str]) -> CIMultiDict[str]:
    """Those of a request, for the real server."""
    return _without(headers, _ASKED)


def answered_headers(headers: MultiMapping[str]) -> CIMultiDict[str]:
    """Those of an answer, for the client."""
    return _without(headers, _ANSWERED)


def handshake_headers(headers: MultiMapping[str]) -> CIMultiDict[str]:
    """Those of a WebSocket's handshake, of either side; what makes it one is done by each side anew."""
    own = {name.lower() for name in headers if name.lower().startswith("sec-websocket")}
    return _without(headers, _HOP_BY_HOP | own)


def abort(request: web.Request) -> None:
    """Break the client's connection."""
    if request.transport is not None:
        request.transport.abort()


def _without(headers: MultiMapping[str], left_out: Container[str]) -> CIMultiDict[str]:
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in left_out)
