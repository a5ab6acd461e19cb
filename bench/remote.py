"""A remote with a round trip of 50 ms in a process of its own: `python -m bench.remote`.

It stands in for PostgREST, as far as both designs use it, so that both meet the same server; whether rows are
right is the tests' business, with the real one. `POST /hang?seconds=3` lets it accept requests without answering.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import aiohttp
from aiohttp import web

from sandbox.child import bound

ROUND_TRIP_S = 0.05
_SIGNS = {"Content-Range": "*/*", "Preference-Applied": "resolution=merge-duplicates, return=minimal"}
"""By which PostgREST's answers are known."""


class Server:
    """Answers after the round trip, and counts."""

    def __init__(self) -> None:
        self.requests = 0
        self.rows = 0
        self._open = asyncio.Event()
        self._open.set()

    async def hang(self, request: web.Request) -> web.Response:
        self._open.clear()
        asyncio.get_running_loop().call_later(float(request.query["seconds"]), self._open.set)
        return web.Response()

    async def counted(self, _: web.Request) -> web.Response:
        return web.json_response({"requests": self.requests, "rows": self.rows})

    async def answer(self, request: web.Request) -> web.Response:
        body: Any = await request.json() if request.can_read_body else None
        self.requests += 1
        await self._open.wait()
        await asyncio.sleep(ROUND_TRIP_S)
        items = _items(body)
        self.rows += len(items)
        if request.path.endswith("/apply_sessions"):
            answers = [{"guild_id": item["guild_id"], "revision": item["revision"], "applied": True} for item in items]
            return web.json_response(answers, headers=_SIGNS)
        # With `return=minimal` a write is answered by nothing; the naive design asks for the row.
        if "return=minimal" in request.headers.get("Prefer", ""):
            return web.Response(status=201, headers=_SIGNS)
        return web.json_response([], status=201 if request.method == "POST" else 200, headers=_SIGNS)


def _items(body: Any) -> list[Any]:
    """The rows in a request: of a bulk upsert, of `apply_sessions`, or a single one."""
    if isinstance(body, list):
        return cast(list[Any], body)
    return cast(dict[str, Any], body).get("items", [body]) if body else []


@dataclass(frozen=True, slots=True)
class Remote:
    """The running server, as the benches see it."""

    url: str

    async def hang(self, seconds: float) -> None:
        """From now on requests are accepted and not answered, for `seconds`."""
        async with aiohttp.ClientSession() as http, http.post(f"{self.url}/hang?seconds={seconds}") as answer:
            answer.raise_for_status()

    async def counted(self) -> dict[str, int]:
        """Requests and rows so far."""
        async with aiohttp.ClientSession() as http, http.get(f"{self.url}/counted") as answer:
            return await answer.json()


@asynccontextmanager
async def remote() -> AsyncGenerator[Remote]:
    """A server of the bench's own for as long as the context lasts."""
    process = await asyncio.create_subprocess_exec(
        *bound([sys.executable, "-m", "bench.remote"], signal.SIGKILL),
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[1],
    )
    assert process.stdout is not None
    try:
        yield Remote(f"http://127.0.0.1:{int(await process.stdout.readline())}")
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def serve() -> None:
    """Serve on a free port, which is printed, until killed."""
    server = Server()
    app = web.Application(client_max_size=2**26)
    app.router.add_post("/hang", server.hang)
    app.router.add_get("/counted", server.counted)
    app.router.add_route("*", "/rest/v1/{path:.*}", server.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve())
