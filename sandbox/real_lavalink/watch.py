"""What a real Lavalink says, looked at as it goes by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from sandbox.lavalink.library import MusicLibrary
from sandbox.real_lavalink.players import SeenPlayer


class Watch:
    """Notes what is said of players, and gives tracks the titles of their files' tags; `changed` is then called."""

    def __init__(self, library: MusicLibrary, changed: Callable[[], None]) -> None:
        self._library = library
        self._changed = changed
        self.players: dict[int, SeenPlayer] = {}
        """By guild."""

    async def see(self, message: Any) -> None:
        """An answer's body or a message; titles and authors in it are changed."""
        await self._name(message)
        read = _object(message)
        if read.get("op") == "ready" and not read["resumed"]:
            # The session before is gone; of its players nothing will be heard any more.
            self.players.clear()
        if "guildId" in read:
            self.players.setdefault(int(read["guildId"]), SeenPlayer()).see(read)
        self._changed()

    async def _name(self, value: Any) -> None:
        read = _object(value)
        for item in cast("list[Any]", value) if isinstance(value, list) else read.values():
            await self._name(item)
        identifier, base_url = str(read.get("identifier", "")), f"{self._library.base_url}/"
        path = self._library.path(identifier.removeprefix(base_url)) if identifier.startswith(base_url) else None
        track = await self._library.track(path) if path is not None else None
        if track is not None:
            read |= {"title": track.title, "author": track.author}


def _object(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
