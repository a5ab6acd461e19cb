"""From what a person asked for to tracks."""

from __future__ import annotations

from dataclasses import dataclass

import wavelink

from services.lavalink.faults import NodeUnavailable, NothingFound, SourceFailed
from services.lavalink.node import Node
from services.lavalink.nodes import Nodes
from services.query import Query, QueryReader
from services.settings import Settings


@dataclass(frozen=True, slots=True)
class Found:
    """At least one track; `playlist` is its name where a link led to one."""

    tracks: list[wavelink.Playable]
    playlist: str | None = None


class Search:
    """Finds tracks: words in the sources of SEARCH_SOURCES, in their order; a link where it leads."""

    def __init__(self, nodes: Nodes, settings: Settings) -> None:
        self._nodes = nodes
        self._sources = settings.search_sources
        self._reader = QueryReader(settings.allowed_hosts, settings.search_sources)

    def check(self, text: str) -> None:
        """Whether `text` may be looked for at all; waits for nothing.

        Raises:
            UserError: it may not; see `QueryReader.read`.
        """
        self._reader.read(text)

    async def find(self, text: str) -> Found:
        """The tracks that `text` asks for; for words the best match of the first source that has one.

        Raises:
            UserError: `text` is no query, no source has it, or no source or node could be asked.
        """
        query = self._reader.read(text)
        node = await self._nodes.pick()
        try:
            return await self._find(query, node)
        except NodeUnavailable:
            other = self._nodes.other(node)
            if other is None:
                raise
            return await self._find(query, other)

    async def _find(self, query: Query, node: Node) -> Found:
        if query.is_url:
            return await _load(query.text, node) or _nothing()
        failure: SourceFailed | None = None
        for source in self._sources:
            try:
                found = await _load(f"{source}:{query.text}", node)
            except SourceFailed as error:
                failure = failure or error
                continue
            if found is not None:
                return Found(found.tracks[:1])
        raise failure or NothingFound()


async def _load(identifier: str, node: Node) -> Found | None:
    try:
        result = await wavelink.Pool.fetch_tracks(identifier, node=node)
    except wavelink.LavalinkLoadException as error:
        raise SourceFailed(f"{error.error} {error.cause}") from error
    if not result:
        return None
    return Found(result.tracks, result.name) if isinstance(result, wavelink.Playlist) else Found(result)


def _nothing() -> Found:
    raise NothingFound
