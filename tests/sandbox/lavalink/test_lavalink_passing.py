"""What goes through the proxy of a real Lavalink is what a client would see without it."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from sandbox.lavalink import LavalinkStandIn
from sandbox.real_lavalink import RealLavalink
from tests.sandbox.closing import code_of
from tests.sandbox.lavalink.client import LavalinkClient

KNOWN = {"Authorization": "youshallnotpass", "User-Id": "1"}
AS_JSON = KNOWN | {"Content-Type": "application/json"}
# Of each connection or moment; how long a body is, is said in one way or another.
PASSING = {"Date", "Server", "Connection", "Content-Length", "Transfer-Encoding", "Sec-WebSocket-Accept"}


def _lasting(headers: Any) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in PASSING}


async def _answer(base_url: str, method: str, path: str, **sent: Any) -> tuple[int, dict[str, str], Any]:
    async with aiohttp.ClientSession() as http, http.request(method, base_url + path, **sent) as answer:
        body = await answer.read()
        if answer.content_type == "application/json" and body:
            read = json.loads(body)
            body = {"keys": list(read)} | read | dict.fromkeys(("timestamp", "uptime", "memory", "cpu"))
        return answer.status, _lasting(answer.headers), body


@pytest.mark.parametrize(
    ("method", "path", "sent"),
    [
        ("GET", "/version", {"headers": KNOWN}),
        ("GET", "/v4/info", {"headers": KNOWN}),
        ("GET", "/v4/info", {}),
        ("GET", "/v4/info", {"headers": {"Authorization": "wrong"}}),
        ("GET", "/v4/stats", {"headers": KNOWN}),
        ("GET", "/v4/nope?trace=true", {"headers": KNOWN}),
        ("PUT", "/v4/sessions/x/players/1", {"headers": KNOWN}),
        ("OPTIONS", "/v4/info", {"headers": KNOWN}),
        ("GET", "/v4/routeplanner/status", {"headers": KNOWN}),
        ("POST", "/v4/routeplanner/free/all", {"headers": KNOWN}),
        ("PATCH", "/v4/sessions/x", {"headers": AS_JSON, "data": b"{bad"}),
        ("PATCH", "/v4/sessions/x", {"headers": AS_JSON, "data": b"\xff"}),
        ("PATCH", "/v4/sessions/x", {"headers": AS_JSON, "data": b"{}"}),
        ("PATCH", "/v4/sessions/x", {"headers": KNOWN, "data": b"{}", "skip_auto_headers": ["Content-Type"]}),
        ("PATCH", "/v4/sessions/x", {"headers": KNOWN | {"Content-Type": "text/plain"}, "data": b"{}"}),
        ("GET", "/v4/loadtracks", {"headers": KNOWN}),
        ("GET", "/v4/loadtracks?identifier=ftp%3A%2F%2Fx%2B+y&trace=true", {"headers": KNOWN}),
        ("GET", "/v4/loadtracks?identifier=loaderror", {"headers": KNOWN}),
        ("GET", f"/v4/loadtracks?identifier={'x' * 20_000}", {"headers": KNOWN}),
        ("GET", "/v4/decodetrack?encodedTrack=%21%21%21&trace=false", {"headers": KNOWN}),
        ("POST", "/v4/decodetracks", {"headers": AS_JSON, "data": json.dumps(["x" * 3_000_000])}),
        ("GET", "/v4/websocket", {"headers": KNOWN}),
        ("GET", "/", {}),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
async def test_answers_are_handed_on_as_they_are(
    proxy: RealLavalink, lavalink: LavalinkStandIn, method: str, path: str, sent: dict[str, Any]
) -> None:
    assert await _answer(proxy.base_url, method, path, **sent) == await _answer(lavalink.base_url, method, path, **sent)


async def _handshake(base_url: str, headers: dict[str, str]) -> tuple[int, dict[str, str], int | None, list[str]]:
    """Status, headers, how it was closed if it was within a moment, and what had come before."""
    async with aiohttp.ClientSession(base_url) as http:
        try:
            socket = await http.ws_connect("/v4/websocket", headers=headers, compress=15)
        except aiohttp.WSServerHandshakeError as error:
            return error.status, _lasting(error.headers), None, []
        status, shown = 101, _lasting(socket._response.headers)
        if "binary" in headers:
            await socket.send_bytes(b"x")
        said: list[str] = []
        while (message := await socket.receive()).type is aiohttp.WSMsgType.TEXT:
            said.append(message.json()["op"])
            if len(said) == 2:
                break
        if "binary" in headers:
            message = await socket.receive()
            said.append(message.extra or "")
        code = code_of(socket, message)
        await socket.close()
        return status, shown, code, said


@pytest.mark.parametrize(
    "headers",
    [
        KNOWN,
        KNOWN | {"Session-Id": "nobodysession000"},
        KNOWN | {"binary": "yes"},
        KNOWN | {"User-Id": "abc"},
        KNOWN | {"User-Id": "0"},
        KNOWN | {"Authorization": "wrong"},
        KNOWN | {"Origin": "http://evil.example"},
        {"User-Id": "1"},
    ],
)
async def test_a_handshake_is_handed_on_as_it_is(
    proxy: RealLavalink, lavalink: LavalinkStandIn, headers: dict[str, str]
) -> None:
    assert await _handshake(proxy.base_url, headers) == await _handshake(lavalink.base_url, headers)


async def test_the_handshake_says_whether_the_session_was_resumed(proxy: RealLavalink) -> None:
    async with LavalinkClient(proxy) as client:
        session = client.session_id
        await client.request("PATCH", f"/v4/sessions/{session}", json={"resuming": True, "timeout": 60})
        await client.hang_up()
    _, shown, _, _ = await _handshake(proxy.base_url, KNOWN)
    assert (shown["Session-Resumed"], shown["Lavalink-Api-Version"]) == ("false", "4")
    async with aiohttp.ClientSession(proxy.base_url) as http:
        socket = await http.ws_connect("/v4/websocket", headers=KNOWN | {"Session-Id": session})
        assert socket._response.headers["Session-Resumed"] == "true"


class _Odd:
    """A Lavalink behind something that does all that HTTP allows."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        match request.path:
            case "/v4/info":
                return web.json_response({"sourceManagers": ["http"]})
            case "/zipped":
                body = zlib.compress(json.dumps({"accepts": "deflate" in request.headers["Accept-Encoding"]}).encode())
                headers = {"Content-Encoding": "deflate", "Content-Type": "application/json"}
                return web.Response(body=body, headers=headers)
            case "/latin":
                return web.Response(body=b"\xe9", headers={"Content-Type": "text/plain;charset=ISO-8859-1"})
            case "/redirect":
                raise web.HTTPFound("/v4/info")
            case "/twice":
                response = web.Response()
                response.headers.extend([("Vary", "Origin"), ("Vary", "Accept")])
                return response
            case "/v4/loadtracks":
                return web.json_response({"message": "broken"}, status=500)
            case _:
                return await self._in_two_parts(request)

    async def _in_two_parts(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "2", "Content-Type": "application/json"})
        await response.prepare(request)
        await response.write(b"[")
        self.begun.set()
        await self.go_on.wait()
        if request.path == "/cut" and request.transport is not None:
            request.transport.abort()
        await response.write(b"]")
        return response


@pytest.fixture
async def odd() -> _Odd:
    return _Odd()


@pytest.fixture
async def before_odd(odd: _Odd, music: Path) -> AsyncIterator[RealLavalink]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", odd.answer)
    async with TestServer(app) as server, RealLavalink(f"http://:x@127.0.0.1:{server.port}", music=music) as proxy:
        yield proxy


async def test_what_http_allows_is_handed_on(before_odd: RealLavalink) -> None:
    async with aiohttp.ClientSession(before_odd.base_url) as http:
        async with http.get("/zipped") as answer:
            assert await answer.json() == {"accepts": True}
        async with http.get("/latin") as answer:
            assert (await answer.read(), await answer.text()) == (b"\xe9", "\u00e9")
        async with http.get("/redirect", allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (302, "/v4/info")
        async with http.get("/twice") as answer:
            assert answer.headers.getall("Vary") == ["Origin", "Accept"]
        async with http.get("/v4/loadtracks", params={"identifier": "ytsearch:morning"}) as answer:
            assert (answer.status, await answer.json()) == (500, {"message": "broken"})


async def test_an_answer_that_comes_in_parts_is_waited_for(before_odd: RealLavalink, odd: _Odd) -> None:
    async with aiohttp.ClientSession(before_odd.base_url) as http:
        asking = asyncio.create_task(http.get("/slow"))
        await odd.begun.wait()
        assert not asking.done()
        odd.go_on.set()
        assert await (await asking).json() == []


async def test_an_answer_that_is_cut_is_cut_here_too(before_odd: RealLavalink, odd: _Odd) -> None:
    odd.go_on.set()
    async with aiohttp.ClientSession(before_odd.base_url) as http:
        with pytest.raises(aiohttp.ClientConnectionError):
            await http.get("/cut")
