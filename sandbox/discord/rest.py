"""The REST API v10: routes, authorisation, errors, and a record of it all."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from .errors import DiscordError, integer, invalid_form, no_such_route, unauthorized, wrong_method
from .gateway import Gateway
from .payload import Json, as_object
from .posting import Upload
from .rate_limits import RateLimits
from .request_body import read_body
from .rest_faults import RestFaults
from .world import World

PREFIX = "/api/v10"
RECORDS_KEPT = 10_000
NO_JSON, EMPTY_MESSAGE, INVALID_FORM, TOO_MANY_FILES = 50109, 50006, 50035, 30015
NOT_UNDERSTOOD = (AttributeError, KeyError, TypeError, ValueError)
"""What a handler raises that meets a value of another type than it reads."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and JSON body; no body for 204."""

    status: int
    body: Any = None


NO_CONTENT = Answer(204)


@dataclass(slots=True)
class Record:
    """A request and its answer; ``at`` is in seconds of the event loop's clock."""

    at: float
    method: str
    path: str
    route: str
    query: dict[str, str]
    body: Any = None
    files: list[str] = field(default_factory=list[str])
    status: int = 0
    answer: Any = None


@dataclass(frozen=True, slots=True)
class Call:
    """A request as a handler sees it."""

    world: World
    gateway: Gateway
    params: dict[str, str]
    query: dict[str, str]
    raw_body: Any
    uploads: list[Upload]

    @property
    def body(self) -> Json:
        return as_object(self.raw_body)

    def id(self, name: str) -> int:
        """A snowflake of the path. Raises 50035 for anything else."""
        return integer(self.params[name], name)

    def flag(self, name: str) -> bool:
        return self.query.get(name, "").lower() in ("1", "true")


Handler = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True)
class Route:
    """``token_free``: the path itself holds the token that authorises the request."""

    method: str
    path: str
    handler: Handler
    token_free: bool = False


class Rest:
    def __init__(self, world: World, gateway: Gateway, token: str, routes: list[Route], limits: bool) -> None:
        self.records: deque[Record] = deque()
        self.forget: Callable[[Record], object] = lambda _: None
        self.unknown: list[Record] = []
        self.broken: list[Record] = []
        self.faults = RestFaults()
        self._world = world
        self._gateway = gateway
        self._token = token
        self.limits = RateLimits() if limits else None
        self._routes = routes

    def add_to(self, app: web.Application) -> None:
        app.middlewares.extend([self.faults.silence, self._catch_unknown])
        for route in self._routes:
            app.router.add_route(route.method, PREFIX + route.path, self._bind(route))

    def _bind(self, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            return await self._handle(request, route)

        return handle

    async def _handle(self, request: web.Request, route: Route) -> web.Response:
        record = self._record(request, route.path)
        await self.faults.delay()
        headers: dict[str, str] = {}
        try:
            record.body, uploads = await read_body(request)
            record.files = [upload.filename for upload in uploads]
            params = dict(request.match_info)
            headers |= self._let_through(request, route, params, record)
            call = Call(self._world, self._gateway, params, record.query, record.body, uploads)
            answer = self._handled(route, call, record)
        except DiscordError as error:
            answer = Answer(error.status, error.body)
            headers |= error.headers
            if error.body.get("code") == NO_JSON or isinstance(error.__cause__, NOT_UNDERSTOOD):
                self.unknown.append(record)
            if self.limits is not None:
                self.limits.count(error)
        return self._answer(record, answer, headers)

    def _handled(self, route: Route, call: Call, record: Record) -> Answer:
        """What the handler answers. Raises 50035 for a body of such types that it cannot be read at all."""
        try:
            return route.handler(call)
        except DiscordError as error:
            if error.body.get("code") in {EMPTY_MESSAGE, INVALID_FORM, TOO_MANY_FILES}:
                self.broken.append(record)
            raise
        except NOT_UNDERSTOOD as error:
            raise invalid_form(f"{type(error).__name__}: {error}") from error

    def _let_through(
        self, request: web.Request, route: Route, params: dict[str, str], record: Record
    ) -> dict[str, str]:
        """The headers of the answer. Raises whatever keeps a request from its handler."""
        if self.limits is not None:
            self.limits.check_address()
        self.faults.raise_due(record.method, record.path)
        if not route.token_free and request.headers.get("Authorization") != f"Bot {self._token}":
            raise unauthorized()
        if self.limits is None:
            return {}
        return self.limits.check(route.method, route.path, params, interaction=route.token_free)

    def limit(self, on: bool) -> None:
        """Turn rate limits on, with nothing taken yet, or off."""
        self.limits = RateLimits() if on else None

    @web.middleware
    async def _catch_unknown(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        wrong = request.match_info.http_exception
        if wrong is None or not request.path.startswith("/api/"):
            return await handler(request)
        record = self._record(request, "")
        self.unknown.append(record)
        error = wrong_method() if wrong.status == 405 else no_such_route()
        return self._answer(record, Answer(error.status, error.body), {})

    def _record(self, request: web.Request, route: str) -> Record:
        now = asyncio.get_running_loop().time()
        path = request.path.removeprefix(PREFIX)
        record = Record(now, request.method, path, route, dict(request.query))
        if len(self.records) == RECORDS_KEPT:
            self.forget(self.records.popleft())
        self.records.append(record)
        self._world.changes.notify()
        return record

    def _answer(self, record: Record, answer: Answer, headers: dict[str, str]) -> web.Response:
        record.status, record.answer = answer.status, answer.body
        self._world.changes.notify()
        if answer.status == 204:
            return web.Response(status=204, headers=headers)
        # Clients compare the content type as a whole: no charset may follow.
        text = json.dumps(answer.body).encode()
        return web.Response(status=answer.status, body=text, headers=headers, content_type="application/json")
