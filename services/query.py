"""What a person asked to play: words to search for, or a URL that may be given to Lavalink."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit, urlunsplit

from services.errors import UserError
from services.i18n import N_
from services.settings import SOURCE_HOSTS

QUERY_CHARACTERS = 500
_SCHEME = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//|(?:https?|icy|file|ftp|data|javascript|rtmp|rtsp|mms|wss?):", re.I)
_BARE_HOST = re.compile(r"(?:[a-z0-9-]+\.)+[a-z]{2,}(?::\d+)?/\S*", re.I)
_HOST_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Query:
    """`text` is a whole URL where `is_url`, words otherwise."""

    text: str
    is_url: bool


@dataclass(frozen=True, slots=True)
class _Host:
    name: str
    port: int | None

    @classmethod
    def parse(cls, text: str) -> _Host:
        """An entry of ALLOWED_HOSTS: a name or an address, with a port if only that one is meant."""
        try:
            return cls(str(ipaddress.ip_address(text.strip("[]"))), None)
        except ValueError:
            parts = urlsplit(f"//{text}")
            return cls((parts.hostname or "").rstrip("."), parts.port)

    def admits(self, name: str, port: int | None) -> bool:
        """Whether a URL of host `name` and `port` is of this host or a subdomain."""
        if self.port is not None and self.port != port:
            return False
        return name == self.name or (not _is_address(self.name) and name.endswith(f".{self.name}"))


class QueryReader:
    """Reads queries; a URL passes only if its host is in `allowed_hosts`, or a subdomain of one of them.

    Where `allowed_hosts` is empty the hosts of `search_sources` are allowed.
    """

    def __init__(self, allowed_hosts: Iterable[str], search_sources: Iterable[str]) -> None:
        hosts = tuple(allowed_hosts) or tuple(
            dict.fromkeys(host for source in search_sources for host in SOURCE_HOSTS.get(source, ()))
        )
        self._hosts = tuple(_Host.parse(host.lower()) for host in hosts)

    def read(self, text: str) -> Query:
        """What `text` asks for.

        Raises:
            UserError: it is empty, too long, has control characters, or is a URL that may not be played.
        """
        if len(text) > QUERY_CHARACTERS:
            raise UserError(N_("A search may have at most {limit} characters."), limit=QUERY_CHARACTERS)
        if any(unicodedata.category(each) in {"Cc", "Cs"} for each in text.strip()):
            raise UserError(N_("A search may not have control characters or line breaks."))
        words = " ".join(text.split())
        if not words:
            raise UserError(N_("Tell me what to play: words to search for, or a link."))
        # Full-width letters and dots are letters and dots to whoever resolves a host.
        address = unicodedata.normalize("NFKC", words).removeprefix("<").removesuffix(">").strip()
        if _SCHEME.match(address):
            return Query(self._allowed(address), is_url=True)
        if _BARE_HOST.fullmatch(address):
            return Query(self._allowed(f"https://{address}"), is_url=True)
        return Query(words, is_url=False)

    def _allowed(self, address: str) -> str:
        url, port = _split(address)
        if url.scheme not in {"http", "https"}:
            raise UserError(N_("Only http and https links can be played."))
        if "@" in url.netloc or "\\" in address:
            raise UserError(N_("A link with a user name or a backslash in it is not played."))
        name = _host_name(url)
        if not any(host.admits(name, port) for host in self._hosts):
            raise UserError(N_("Links to that site are not played here."))
        shown_name = f"[{name}]" if ":" in name else name
        netloc = shown_name if port is None else f"{shown_name}:{port}"
        return urlunsplit((url.scheme, netloc, url.path, url.query, ""))


def _split(address: str) -> tuple[SplitResult, int | None]:
    try:
        url = urlsplit(address)
        port = url.port
    except ValueError:
        raise UserError(N_("That is not a link that I can read.")) from None
    if not url.hostname and url.scheme in {"http", "https", ""}:
        raise UserError(N_("That is not a link that I can read."))
    return url, port


def _host_name(url: SplitResult) -> str:
    name = (url.hostname or "").rstrip(".")
    if url.netloc.startswith("[") and _is_address(name):
        return str(ipaddress.ip_address(name))
    if not _HOST_NAME.fullmatch(name):
        raise UserError(N_("That is not a link that I can read."))
    return name


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
