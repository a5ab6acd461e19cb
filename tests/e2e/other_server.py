"""Servers that answer where another program should: a web page, a redirect, somebody else's API."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

from aiohttp import web


@asynccontextmanager
async def other_server(
    body: str = "<!DOCTYPE html><title>Welcome</title>",
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> AsyncGenerator[str]:
    """The address (`host:port`) of a server that answers everything like this; `{authorization}` is echoed."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        text = body.replace("{authorization}", request.headers.get("Authorization", ""))
        return web.Response(text=text, status=status, headers={"Content-Type": "text/html", **(headers or {})})

    runner = web.ServerRunner(web.Server(answer), shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield f"{host}:{port}"
    finally:
        await runner.cleanup()
