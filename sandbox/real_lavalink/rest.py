"""REST, handed on to a real Lavalink; what it answers comes back as it was, but for titles and searches."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import suppress
from typing import Any

import aiohttp
from aiohttp import hdrs, web
from yarl import URL

from sandbox.lavalink.library import MusicLibrary
from sandbox.lavalink.loader import SEARCH
from sandbox.lavalink.trouble import Trouble
from sandbox.real_lavalink.passing import abort, answered_headers, asked_headers
from sandbox.real_lavalink.watch import Watch

LIMITED = "/limited"
"""Here the proxy answers 429, as a source does."""
_ANY_SEARCH = re.compile(r"[a-z0-9]*search:.*", re.DOTALL)
# What aiohttp would say of a request that says nothing itself.
_UNASKED = (hdrs.ACCEPT, hdrs.CONTENT_TYPE, hdrs.USER_AGENT)


class RestRoute:
    """Everything but the WebSocket; `real` is the real server's address."""

    def __init__(
        self, http: aiohttp.ClientSession, real: str, library: MusicLibrary, trouble: Trouble, watch: Watch
    ) -> None:
        self._http = http
        self._real = real
        self._library = library
        self._trouble = trouble
        self._watch = watch

    async def answer(self, request: web.Request, data: bytes) -> web.Response:
        """The real server's answer to a request with that body, or none if it gives none."""
        if self._trouble.is_silent():
            await self._trouble.healed.wait()
        try:
            answer = await self._hand_on(request, data)
        except aiohttp.ClientError:
            # The server is gone, or went in the middle of its answer: no more of one comes from here either.
            abort(request)
            return web.Response()
        await asyncio.sleep(self._trouble.delay())
        return answer

    async def _hand_on(self, request: web.Request, data: bytes) -> web.Response:
        url, searched = URL(self._real + request.raw_path, encoded=True), False
        if request.path == "/v4/loadtracks" and "identifier" in request.query:
            wanted = request.query["identifier"]
            identifier, searched = await self._identifier(request.url, wanted)
            url = url if identifier == wanted else url.update_query(identifier=identifier)
        async with self._http.request(
            request.method,
            url,
            headers=asked_headers(request.headers),
            data=data or None,
            allow_redirects=False,
            skip_auto_headers=_UNASKED,
        ) as answer:
            body = await answer.read()
            if answer.content_type == "application/json":
                # A body that is none is handed on like any other.
                with suppress(ValueError):
                    read = json.loads(body)
                    await self._watch.see(read)
                    body = json.dumps(_found(read) if searched else read).encode()
            return web.Response(status=answer.status, body=body, headers=answered_headers(answer.headers))

    async def _identifier(self, asked: URL, wanted: str) -> tuple[str, bool]:
        """What the real server is asked to load, and whether that is what a search found."""
        if self._trouble.refuses():
            return str(asked.origin().with_path(LIMITED)), False
        if _ANY_SEARCH.fullmatch(wanted) is None:
            return wanted, False
        search = SEARCH.fullmatch(wanted)
        found = await self._library.search(search[1].strip()) if search is not None else []
        # Its own sources are the world outside; to an empty identifier a 4.2.2 answers `empty`.
        return (found[0].identifier, True) if found else ("", False)


def _found(result: dict[str, Any]) -> dict[str, Any]:
    """What a search says of the track that was loaded for it."""
    return {"loadType": "search", "data": [result["data"]]} if result.get("loadType") == "track" else result
