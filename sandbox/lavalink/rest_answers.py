"""What every REST answer has in common: authorization, error bodies, faults, the log of requests."""

import asyncio
import json
from collections.abc import Awaitable, Callable

from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware

from sandbox.lavalink.errors import BadRequest, LavalinkError, error_body
from sandbox.lavalink.node import Node, SeenRequest, readable
from sandbox.lavalink.track_codec import UndecodableTrack

WEBSOCKET_PATH = "/v4/websocket"
FILES_PATH = "/files"
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_TRUE, _FALSE = ("true", "on", "yes", "1"), ("false", "off", "no", "0")


def json_answer(body: object, *, status: int = 200) -> web.Response:
    """A JSON answer; non-ASCII is escaped, so that any title can be sent."""
    return web.Response(text=json.dumps(body), status=status, content_type="application/json")


class FollowedAnswer(web.Response):
    """An answer after which, once it is on the wire, something else happens."""

    def __init__(self, body: object, *, status: int, afterwards: Callable[[], None]) -> None:
        text = None if body is None else json.dumps(body)
        super().__init__(text=text, status=status, content_type="application/json" if text else None)
        self.afterwards = afterwards


async def json_body(request: web.Request) -> object:
    """The body as JSON; raises LavalinkError."""
    given = request.content_type
    if not (given == "application/json" or (given.startswith("application/") and given.endswith("+json"))):
        accepted = "application/json, application/*+json"
        message = f"Content-Type '{given};charset=UTF-8' is not supported."
        raise LavalinkError(415, message, {"Accept": accepted, "Accept-Patch": accepted})
    try:
        return json.loads(await request.read())
    except ValueError as error:
        raise BadRequest from error


def query_flag(request: web.Request, name: str) -> bool:
    """A boolean of the query; absent is false."""
    value = request.query.get(name, "false").lower()
    if value not in _TRUE + _FALSE:
        raise BadRequest
    return value in _TRUE


def guild_of(request: web.Request) -> int:
    """The guild id of the path: a signed 64-bit number."""
    text = request.match_info["guild_id"]
    if not text.removeprefix("-").isdecimal() or not -(1 << 63) <= int(text) < 1 << 63:
        raise BadRequest
    return int(text)


def answers(node: Node) -> Middleware:
    """The middleware around every route."""

    @web.middleware
    async def answer(request: web.Request, handler: _Handler) -> web.StreamResponse:
        if request.path.startswith(f"{FILES_PATH}/"):
            return await handler(request)
        seen = SeenRequest(request.method, request.path_qs, readable(await request.read()))
        node.requests.append(seen)
        node.changed()
        await node.pass_gate(request.path)
        if request.path == WEBSOCKET_PATH and request.method == hdrs.METH_GET:
            return await handler(request)
        response = await _response(node, request, handler)
        await asyncio.sleep(node.trouble.delay())
        await response.prepare(request)
        await response.write_eof()
        seen.status = response.status
        if isinstance(response, FollowedAnswer):
            response.afterwards()
        node.changed()
        return response

    return answer


async def _response(node: Node, request: web.Request, handler: _Handler) -> web.StreamResponse:
    try:
        refused = request.match_info.http_exception
        if refused is not None:
            return _unmatched(request, refused)
        authorization = request.headers.get(hdrs.AUTHORIZATION)
        if authorization != node.password:
            return web.Response(status=401 if authorization is None else 403)
        return await handler(request)
    except LavalinkError as error:
        return _error(request, error)
    except UndecodableTrack as error:
        return _error(request, LavalinkError(500, str(error)))


def _unmatched(request: web.Request, refused: web.HTTPException) -> web.Response:
    if not isinstance(refused, web.HTTPMethodNotAllowed):
        return _error(request, LavalinkError(404, f"No endpoint {request.method} {request.path}."))
    order = ("GET", "PATCH", "POST", "DELETE")
    allowed = [method for method in order if method in refused.allowed_methods]
    if request.method == hdrs.METH_OPTIONS:
        heads = ["HEAD"] if "GET" in allowed else []
        return web.Response(headers={hdrs.ALLOW: ",".join([*allowed[:1], *heads, *allowed[1:], "OPTIONS"])})
    message = f"Method '{request.method}' is not supported."
    return _error(request, LavalinkError(405, message, {hdrs.ALLOW: ", ".join(allowed)}))


def _error(request: web.Request, error: LavalinkError) -> web.Response:
    trace = request.query.get("trace", "").lower() == "true"
    response = json_answer(error_body(error, request.path, trace=trace), status=error.status)
    response.headers.update(error.headers)
    return response
