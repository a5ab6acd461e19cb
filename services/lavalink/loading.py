"""What a node finds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

import wavelink

from services.lavalink.faults import SourceFailed
from services.lavalink.node import Node
from services.settings import SOURCE_HOSTS


@dataclass(frozen=True, slots=True)
class Found:
    """At least one track; `playlist` is its name where a link led to one."""

    tracks: list[wavelink.Playable]
    playlist: str | None = None


async def load(identifier: str, node: Node) -> Found | None:
    """What the node has for `identifier` (a URL, or a source's prefix and words); None for nothing.

    Raises:
        SourceFailed: the source did not work.
        NodeUnavailable, NodeRefused: the node did not.
    """
    try:
        result = await wavelink.Pool.fetch_tracks(identifier, node=node)
    except wavelink.LavalinkLoadException as error:
        raise SourceFailed(f"{error.error} {error.cause}") from error
    if not result:
        return None
    return Found(result.tracks, result.name) if isinstance(result, wavelink.Playlist) else Found(result)


def other_sources(track: wavelink.Playable, sources: Iterable[str]) -> list[str]:
    """Those of `sources` that may have `track` too; none for a plain file, which nobody else has."""
    host = urlsplit(track.uri or "").hostname or ""

    def has(source: str) -> bool:
        return any(host == name or host.endswith(f".{name}") for name in SOURCE_HOSTS.get(source, ()))

    if not any(has(source) for source in SOURCE_HOSTS):
        return []
    return [source for source in sources if source in SOURCE_HOSTS and not has(source)]


async def find_again(track: wavelink.Playable, sources: Iterable[str], node: Node) -> wavelink.Playable | None:
    """The first match for title and author of `track` in `sources`; None where none has it.

    Raises:
        NodeUnavailable, NodeRefused: the node did not work.
    """
    words = f"{track.title} {track.author}".strip()
    for source in sources:
        try:
            found = await load(f"{source}:{words}", node)
        except SourceFailed:
            continue
        if found is not None:
            return found.tracks[0]
    return None
