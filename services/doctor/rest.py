"""One HTTP request and its answer, or in words why there is none."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from services.doctor.clock import Clock
from services.i18n import N_

_LONGEST_BODY = 1 << 20


class Unreachable(Exception):
    """No answer came; `message` is a message id, filled from `values`."""

    def __init__(self, message: str, **values: object) -> None:
        super().__init__(message)
        self.message = message
        self.values = values


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    text: str
    ms: int
    """The round trip, at least 1."""

    @property
    def document(self) -> Any:
        """The body as JSON; None where it is none."""
        try:
            return json.loads(self.text)
        except ValueError:
            return None

    @property
    def is_page(self) -> bool:
        """Whether a person's web page came instead of an API's answer."""
        said = self.text.lstrip()
        return bool(said) and ("html" in self.headers.get("Content-Type", "") or said.startswith("<"))

    @property
    def redirects_to(self) -> str | None:
        """The host of the address that the answer points to; None where it points to none."""
        if not 300 <= self.status < 400:
            return None
        return host_of(self.headers.get("Location", "")) or "?"


class Rest:
    """Asks; every answer's date is noted in `clock`. Redirects are not followed: what they mean is the finding."""

    def __init__(self, http: aiohttp.ClientSession, clock: Clock) -> None:
        self.http = http
        self._clock = clock

    async def ask(self, method: str, url: str, headers: Mapping[str, str] | None = None, body: object = None) -> Answer:
        """Send one request; `body` goes as JSON.

        Raises:
            Unreachable: there was no answer.
        """
        sent, begun = time.time(), time.perf_counter()
        try:
            async with self.http.request(method, url, headers=headers, json=body, allow_redirects=False) as response:
                text = (await _read(response.content)).decode(errors="replace")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise unreachable(error, url) from error
        elapsed = time.perf_counter() - begun
        self._clock.note(host_of(url), response.headers.get("Date", ""), sent, sent + elapsed)
        return Answer(response.status, response.headers, text, max(1, round(elapsed * 1000)))


async def _read(content: aiohttp.StreamReader) -> bytes:
    try:
        return await content.readexactly(_LONGEST_BODY)
    except asyncio.IncompleteReadError as error:
        return error.partial


def host_of(url: str) -> str:
    """Host and port of a URL, without user info; empty where there is none."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        return ""


def unreachable(error: Exception, url: str) -> Unreachable:
    """The sentence for what aiohttp raised."""
    host = host_of(url)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return Unreachable(N_("There is no host of the name {host}."), host=host)
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return Unreachable(N_("{host} has no certificate that is trusted here, or does not speak TLS."), host=host)
    if isinstance(error, aiohttp.ClientConnectorError):
        if isinstance(error.os_error, ConnectionRefusedError):
            return Unreachable(N_("{host} refuses the connection."), host=host)
        return Unreachable(N_("{host} cannot be reached."), host=host)
    if isinstance(error, OSError | aiohttp.ServerDisconnectedError):
        return Unreachable(N_("{host} breaks the connection."), host=host)
    return Unreachable(N_("{host} does not answer as a web server does."), host=host)
