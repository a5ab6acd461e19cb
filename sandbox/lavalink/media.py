"""Lavalink's http source, for other servers on this machine; it never leaves loopback."""

import asyncio
from io import BytesIO

import aiohttp
from yarl import URL

from sandbox.lavalink.library import describe
from sandbox.lavalink.tags import read_tags
from sandbox.lavalink.track_codec import TrackInfo

# Seen on 4.2.2: three seconds without headers, or without a byte, are an error.
_SOCKET_TIMEOUT_S = 3.0
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
    timeout = aiohttp.ClientTimeout(sock_connect=_SOCKET_TIMEOUT_S, sock_read=_SOCKET_TIMEOUT_S)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session:
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
        async with session.get(url, allow_redirects=False) as response:
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
    async for chunk in response.content.iter_any():
        data += chunk
        if len(data) >= _MOST_BYTES:
            break
    tags = await asyncio.to_thread(read_tags, BytesIO(data))
    if tags is None:
        raise MediaError("Unknown file format.")
    return describe(tags, str(response.url))
