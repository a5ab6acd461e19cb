"""Supabase's API gateway in front of PostgREST: checks the key, strips `/rest/v1`, and injects faults."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

import aiohttp
from aiohttp import hdrs, web
from yarl import URL

from sandbox.supabase.faults import Answer, Faults, Reset

_PREFIX = "/rest/v1"
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host", "apikey", "upgrade"}
"""RFC 9110, 7.6.1, and what concerns only the gateway."""

_NO_ROUTE = "no Route matched with those values"
_NO_KEY = "No API key found in request"
_WRONG_KEY = "Invalid API key"


@dataclass(frozen=True, slots=True)
class Request:
    """A request that came to the gateway."""

    method: str
    path: str
    """Without `/rest/v1` and without the query."""
    rows: int
    """How many rows its body held."""
    status: int | None
    """None where the gateway cut the connection."""


class Gateway:
    """Listens on a port of its own on 127.0.0.1; `tokens` has the JWT that each API key stands for."""

    def __init__(self, postgrest: aiohttp.ClientSession, tokens: Mapping[str, str]) -> None:
        self.faults = Faults()
        self.requests: list[Request] = []
        self.open_requests = 0
        self.changed = asyncio.Event()
        """Set whenever a request has come, and whenever one is over."""
        self._postgrest = postgrest
        self._tokens = tokens
        self._socket = _reserve(0)
        self._port = cast(int, self._socket.getsockname()[1])
        self._site: web.SockSite | None = None
        self._server = web.Server(self._answer)
        # Seconds; 0 would mean to wait for whatever is open, for ever.
        self._runner = web.ServerRunner(self._server, shutdown_timeout=0.1)

    @classmethod
    @asynccontextmanager
    async def start(cls, postgrest: aiohttp.ClientSession, tokens: Mapping[str, str]) -> AsyncGenerator[Gateway]:
        """Serve until the context ends."""
        gateway = cls(postgrest, tokens)
        await gateway._runner.setup()
        await gateway.up()
        try:
            yield gateway
        finally:
            await gateway._runner.cleanup()
            gateway._socket.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def up(self) -> None:
        """Accept connections."""
        if self._site is None:
            self._site = web.SockSite(self._runner, self._socket)
            await self._site.start()

    async def down(self) -> None:
        """Refuse connections and cut those that are open; the port stays ours."""
        if self._site is None:
            return
        site, self._site = self._site, None
        await site.stop()
        self._socket = _reserve(self._port)
        for connection in self._server.connections:
            if connection.transport is not None:
                connection.transport.abort()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        self.open_requests += 1
        self.changed.set()
        path = request.path.removeprefix(_PREFIX)
        status: int | None = None
        try:
            response = await self._respond(request, body)
            status = response.status
            return response
        except _Cut:
            _abort(request)
            return web.Response()
        finally:
            self.open_requests -= 1
            self.requests.append(Request(request.method, path, _count_rows(body), status))
            self.changed.set()

    async def _respond(self, request: web.BaseRequest, body: bytes) -> web.Response:
        fault = self.faults.next()
        await self.faults.trouble.wait()
        if isinstance(fault, Answer):
            return web.Response(status=fault.status, body=fault.body.encode(), headers=fault.headers)
        if isinstance(fault, Reset) and not fault.after_commit:
            raise _Cut
        response = _refusal(request, self._tokens) or await self._forward(request, body)
        if isinstance(fault, Reset):
            raise _Cut
        return response

    async def _forward(self, request: web.BaseRequest, body: bytes) -> web.Response:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP}
        # A key without a bearer stands for its role, and an opaque key is no JWT.
        bearer = headers.get(hdrs.AUTHORIZATION, "").removeprefix("Bearer ") or request.headers["apikey"]
        headers[hdrs.AUTHORIZATION] = f"Bearer {self._tokens.get(bearer, bearer)}"
        path = request.rel_url.raw_path_qs.removeprefix(_PREFIX)
        async with self._postgrest.request(
            request.method, URL(path, encoded=True), data=body or None, headers=headers
        ) as answer:
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP_BY_HOP}
            return web.Response(status=answer.status, body=await answer.read(), headers=kept)


class _Cut(Exception):
    """The connection is to be cut instead of an answer."""


def _refusal(request: web.BaseRequest, tokens: Mapping[str, str]) -> web.Response | None:
    """The gateway's own answer to a request that never reaches PostgREST (seen on supabase.com)."""
    key = request.headers.get("apikey")
    if not request.path.startswith(_PREFIX + "/"):
        return web.json_response({"message": _NO_ROUTE}, status=404)
    if key is None:
        return web.json_response({"message": _NO_KEY}, status=401)
    if key not in tokens:
        return web.json_response({"message": _WRONG_KEY}, status=401)
    return None


def _reserve(port: int) -> socket.socket:
    """A bound socket that does not listen: it holds the port, and whoever connects is refused."""
    reserved = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.bind(("127.0.0.1", port))
    return reserved


def _abort(request: web.BaseRequest) -> None:
    transport = request.transport
    if transport is not None:
        # Zero linger: the client sees a reset, as when a machine on the way goes.
        raw = cast(socket.socket, transport.get_extra_info("socket"))
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        transport.abort()


def _count_rows(body: bytes) -> int:
    try:
        value: object = json.loads(body)
    except ValueError:
        return 0
    if isinstance(value, dict) and "items" in value:
        value = cast(dict[str, object], value)["items"]
    if isinstance(value, list):
        return len(cast(list[object], value))
    return 1
