"""Lavalink's http source, for other servers on this machine; it never leaves loopback."""

import asyncio
from io import BytesIO

import aiohttp
from yarl import URL

from sandbox.lavalink.library import describe
from sandbox.lavalink.tags import read_tags
from sandbox.lavalink.track_codec import TrackInfo

# Seen on 4.2.2: how long it waits for headers, then for a first byte, then for more.
_HEADERS_S = 3.0
_FIRST_BYTE_S = 6.0
_MORE_BYTES_S = 57.0
_MOST_BYTES = 64 << 20
_MOST_REDIRECTS = 5
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_UNCONNECTED = "Connecting to the URL failed."


class MediaError(Exception):
    """A media server that could not be used; `reasons` as in Lavalink's stack trace, outermost first."""

    def __init__(self, *reasons: str) -> None:
        super().__init__(*reasons)
        self.reasons = reasons


async def fetch_track(url: str) -> TrackInfo | None:
    """The track at a URL, redirects followed; None when it answers 404. Raises MediaError."""
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as session:
            return await _follow(session, URL(url))
    except TimeoutError as error:
        raise MediaError(_UNCONNECTED, "java.net.SocketTimeoutException: Read timed out") from error
    except (aiohttp.ClientError, ValueError) as error:
        raise MediaError(_UNCONNECTED, f"java.net.ConnectException: {error}") from error


async def _follow(session: aiohttp.ClientSession, url: URL) -> TrackInfo | None:
    for _ in range(_MOST_REDIRECTS):
        # Any other host is what it would be on a machine without a network.
        if url.host not in _LOOPBACK:
            cause = f"java.net.UnknownHostException: {url.host}: Name or service not known"
            raise MediaError(_UNCONNECTED, cause)
        async with asyncio.timeout(_HEADERS_S):
            response = await session.get(url, allow_redirects=False)
        async with response:
            if response.status not in (301, 302, 303, 307, 308):
                return await _read(response)
            url = url.join(URL(response.headers["Location"]))
    raise MediaError(_UNCONNECTED, "org.apache.http.client.RedirectException: Maximum redirects exceeded")


async def _read(response: aiohttp.ClientResponse) -> TrackInfo | None:
    if response.status == 404:
        return None
    if response.status not in (200, 206):
        cause = f"java.lang.IllegalStateException: Status code {response.status}"
        raise MediaError("That URL is not playable.", cause)
    data = bytearray()
    while len(data) < _MOST_BYTES:
        async with asyncio.timeout(_MORE_BYTES_S if data else _FIRST_BYTE_S):
            chunk = await response.content.readany()
        if not chunk:
            break
        data += chunk
    tags = await asyncio.to_thread(read_tags, BytesIO(data))
    if tags is None:
        raise MediaError("Unknown file format.")
    return describe(tags, str(response.url))
