"""`loadtracks`: what an identifier stands for. Always HTTP 200; what went wrong is in `loadType`."""

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from sandbox.lavalink.faults import M3U_CONTAINER, NOT_FOUND, STREAM_LENGTH, Course, course_of, fault_track
from sandbox.lavalink.library import UNKNOWN_ARTIST, UNKNOWN_TITLE, MusicLibrary
from sandbox.lavalink.media import MediaError, fetch_track
from sandbox.lavalink.track_codec import TrackInfo
from sandbox.lavalink.trouble import Trouble

# A media server that sends headers and then nothing held a real request for so long.
SLOW_LOAD_S = 6.0
LOAD_ERROR_MESSAGE = "Something went wrong while looking up the track."
# Those of the sources that are on (`sourceManagers`); any other is no address and no search.
SEARCH = re.compile(r"(?:ytsearch|ytmsearch|scsearch):(.*)", re.DOTALL)
_LINK = re.compile(r"^(?:File1=)?(https?://\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Loaded:
    """The result of a look-up; `reason` is the true cause of an error, `name` the playlist's."""

    kind: Literal["track", "playlist", "search", "empty", "error"]
    tracks: tuple[TrackInfo, ...] = ()
    name: str = ""
    reason: str = ""


EMPTY = Loaded("empty")


class Loader:
    """Looks identifiers up: the music folder, the faulty tracks, other servers of this machine."""

    def __init__(self, library: MusicLibrary, trouble: Trouble, *, slow_load_s: float = SLOW_LOAD_S) -> None:
        self._library = library
        self._trouble = trouble
        self._slow_load_s = slow_load_s

    async def load(self, identifier: str) -> Loaded:
        """Look one identifier up."""
        if self._trouble.refuses():
            return _error("That URL is not playable.", "java.lang.IllegalStateException: Status code 429")
        search = SEARCH.fullmatch(identifier)
        if search is not None:
            return await self._search(search[1].strip())
        if identifier.startswith(("http://", "https://")):
            return await self._url(identifier)
        return await self._fault(identifier, "track") or EMPTY

    def course(self, info: TrackInfo) -> Course:
        """How a track goes when played now: a file that was deleted meanwhile answers 404."""
        base = f"{self._library.base_url}/"
        if info.identifier.startswith(base) and self._library.path(info.identifier[len(base) :]) is None:
            return NOT_FOUND
        return course_of(info)

    async def _search(self, words: str) -> Loaded:
        fault = await self._fault(words.casefold(), "search")
        if fault is not None:
            return fault
        tracks = await self._library.search(words)
        return Loaded("search", tuple(tracks)) if tracks else EMPTY

    async def _fault(self, name: str, kind: Literal["track", "search"]) -> Loaded | None:
        if name == "loaderror":
            return _error("That URL is not playable.", "java.lang.IllegalStateException: Status code 403")
        if name == "empty":
            return EMPTY
        track = fault_track(name, f"{self._library.base_url}/{name}")
        if track is None:
            return None
        if name == "slowload":
            await asyncio.sleep(self._slow_load_s)
        return Loaded(kind, (track,))

    async def _url(self, url: str) -> Loaded:
        base = f"{self._library.base_url}/"
        if any(char.isspace() for char in url) or _host(url) is None:
            return _error("Not a valid URL.", f"java.net.URISyntaxException: {url}")
        if not url.startswith(base):
            return await self._elsewhere(url)
        name = url[len(base) :]
        path = self._library.path(re.split("[?#]", name, maxsplit=1)[0])
        if path is None:
            return await self._fault(name, "track") or EMPTY
        if path.is_dir():
            tracks = await self._library.album(path)
            return Loaded("playlist", tuple(tracks), name=path.name) if tracks else EMPTY
        if path.suffix.lower() in (".m3u", ".pls"):
            return await self._list(path, url)
        # The http source takes no title from an address.
        track = await self._library.track(path, UNKNOWN_TITLE)
        return Loaded("track", (track,)) if track else _error("Unknown file format.")

    async def _list(self, path: Path, url: str) -> Loaded:
        link = _LINK.search(await asyncio.to_thread(path.read_text, "utf-8", "replace"))
        if link is None:
            return _error("The playlist file contains no links.")
        if path.suffix.lower() == ".pls":
            return await self._url(link[1])
        stream = TrackInfo(
            url, UNKNOWN_TITLE, UNKNOWN_ARTIST, STREAM_LENGTH, url, container=M3U_CONTAINER, is_stream=True
        )
        return Loaded("track", (stream,))

    async def _elsewhere(self, url: str) -> Loaded:
        try:
            track = await fetch_track(url)
        except MediaError as error:
            return _error(*error.reasons)
        return Loaded("track", (track,)) if track else EMPTY


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _error(*reasons: str) -> Loaded:
    first, *causes = reasons
    lines = [f"com.sedmelluq.discord.lavaplayer.tools.FriendlyException: {first}", *causes]
    return Loaded("error", reason="\n".join(f"Caused by: {line}" for line in lines))
