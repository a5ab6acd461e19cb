"""Whether a real Lavalink is there and can be used."""

from __future__ import annotations

from typing import Any

import aiohttp
from aiohttp import hdrs
from yarl import URL

_PATIENCE_S = 5.0


class UnusableLavalink(Exception):
    """There is none, or it cannot be used; the message says why."""


def read(uri: str) -> tuple[str, str]:
    """Address and password. Raises UnusableLavalink."""
    try:
        url = URL(uri)
        if url.scheme in ("http", "https") and url.host:
            return str(url.origin()), url.password or ""
    except ValueError:
        pass
    raise UnusableLavalink("it has to be http://:password@host:port")


async def check(http: aiohttp.ClientSession, address: str, password: str) -> None:
    """Ask the server what it is.

    Raises:
        UnusableLavalink: it does not answer, not to this password, or it fetches nothing by http.
    """
    try:
        async with http.get(
            f"{address}/v4/info",
            headers={hdrs.AUTHORIZATION: password},
            timeout=aiohttp.ClientTimeout(total=_PATIENCE_S),
        ) as answer:
            if answer.status in (401, 403):
                raise UnusableLavalink(f"the Lavalink at {address} does not take this password")
            info: Any = await answer.json()
            sources: list[str] = info["sourceManagers"]
    except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError) as error:
        raise UnusableLavalink(f"no Lavalink 4 answers at {address}: {error or type(error).__name__}") from error
    if "http" not in sources:
        raise UnusableLavalink(f"the Lavalink at {address} has its http source off: LAVALINK_SERVER_SOURCES_HTTP=true")
