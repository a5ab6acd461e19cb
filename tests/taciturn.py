"""A proxy on the way that passes on status, type and body, and none of PostgREST's own headers."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web
from yarl import URL


@asynccontextmanager
async def taciturn(behind: str) -> AsyncGenerator[str]:
    """The proxy's URL."""
    async with aiohttp.ClientSession() as http:

        async def forward(request: web.BaseRequest) -> web.Response:
            headers = {name: value for name, value in request.headers.items() if name != "Host"}
            url = URL(behind + request.raw_path, encoded=True)
            async with http.request(request.method, url, headers=headers, data=await request.read()) as answer:
                kind = {"Content-Type": answer.headers["Content-Type"]} if "Content-Type" in answer.headers else {}
                return web.Response(status=answer.status, body=await answer.read(), headers=kind)

        runner = web.ServerRunner(web.Server(forward), shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()
