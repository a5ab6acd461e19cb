"""The music folder: found by words, by file, by subfolder."""

import asyncio
import os
from pathlib import Path
from urllib.parse import quote, unquote

from sandbox.lavalink.tags import Tags, read_tags
from sandbox.lavalink.track_codec import TrackInfo

UNKNOWN_TITLE = "Unknown title"
UNKNOWN_ARTIST = "Unknown artist"
AUDIO_SUFFIXES = {".wav", ".mp3", ".ogg", ".opus", ".flac", ".m4a"}
# About what a search of a music service gives.
_MOST_RESULTS = 20


class MusicLibrary:
    """Audio files under one folder. Files are read in a thread, and again only when they have changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._read: dict[Path, tuple[tuple[int, int], Tags | None]] = {}
        self.base_url = ""
        """Where the folder is served, with no slash at the end; known once the server listens."""

    def url(self, path: Path) -> str:
        """The address of a file or subfolder."""
        return f"{self.base_url}/{quote(path.relative_to(self._folder).as_posix())}"

    def path(self, url_path: str) -> Path | None:
        """The file or subfolder behind a path below `base_url`; None where there is none, or outside."""
        # Links inside the folder may lead out of it, a path with dots may not.
        path = Path(os.path.normpath(self._folder / unquote(url_path).strip("/")))
        try:
            return path if path.is_relative_to(self._folder) and path.exists() else None
        except OSError:
            return None

    async def search(self, words: str) -> list[TrackInfo]:
        """Tracks with every one of the words in title, artist or file name, in the order of their paths."""
        wanted = words.casefold().split()
        if not wanted:
            return []
        return await asyncio.to_thread(self._search, wanted)

    async def album(self, folder: Path) -> list[TrackInfo]:
        """The tracks right in a subfolder."""
        return await asyncio.to_thread(lambda: [info for _, info in self._tracks(sorted(folder.iterdir()))])

    async def track(self, path: Path, untitled: str | None = None) -> TrackInfo | None:
        """One file; None when it is no audio. Without a title of its own it has the one given, or its file's name."""
        found = await asyncio.to_thread(lambda: self._tracks([path], untitled))
        return found[0][1] if found else None

    def _search(self, wanted: list[str]) -> list[TrackInfo]:
        found: list[TrackInfo] = []
        for path, info in self._tracks(sorted(self._folder.rglob("*"))):
            text = f"{info.title}\n{info.author}\n{path.stem}".casefold()
            if all(word in text for word in wanted):
                found.append(info)
        return found[:_MOST_RESULTS]

    def _tracks(self, paths: list[Path], untitled: str | None = None) -> list[tuple[Path, TrackInfo]]:
        found: list[tuple[Path, TrackInfo]] = []
        for path in paths:
            tags = self._tags(path) if path.suffix.lower() in AUDIO_SUFFIXES and path.is_file() else None
            if tags is not None:
                found.append((path, describe(tags, self.url(path), fallback_title=untitled or path.stem)))
        return found

    def _tags(self, path: Path) -> Tags | None:
        stat = path.stat()
        version = (stat.st_mtime_ns, stat.st_size)
        known = self._read.get(path)
        if known is None or known[0] != version:
            known = self._read[path] = (version, read_tags(path))
        return known[1]


def describe(tags: Tags, url: str, *, fallback_title: str = UNKNOWN_TITLE) -> TrackInfo:
    """The track at `url`, as Lavalink's http source describes it."""
    return TrackInfo(
        identifier=url,
        title=tags.title or fallback_title,
        author=tags.artist or UNKNOWN_ARTIST,
        length=tags.length,
        uri=url,
        container=tags.container,
        isrc=tags.isrc,
    )
