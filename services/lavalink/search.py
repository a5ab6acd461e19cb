"""From what a person asked for to tracks."""

from __future__ import annotations

from services.lavalink.faults import NodeUnavailable, NothingFound, SourceFailed
from services.lavalink.loading import Found, load
from services.lavalink.node import Node
from services.lavalink.nodes import Nodes
from services.query import Query, QueryReader
from services.settings import Settings


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
            return await load(query.text, node) or _nothing()
        failure: SourceFailed | None = None
        for source in self._sources:
            try:
                found = await load(f"{source}:{query.text}", node)
            except SourceFailed as error:
                failure = failure or error
                continue
            if found is not None:
                return Found(found.tracks[:1])
        raise failure or NothingFound()


def _nothing() -> Found:
    raise NothingFound
