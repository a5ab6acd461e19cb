"""Notices whatever the bot writes, wherever it writes it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from sandbox.discord.messages import Message
from sandbox.discord.world import World as DiscordWorld

_QUIET = 3600.0

State = tuple[int, bool, bool]
"""How many versions a message had, whether it said "thinking", whether it was deleted."""


class Feed:
    """Calls `show` with every message of the bot's, once for each state it comes to."""

    def __init__(self, world: DiscordWorld, show: Callable[[Message], None]) -> None:
        self._world = world
        self._show = show
        self._seen: dict[int, State] = {}

    async def follow(self) -> None:
        """Until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                for message in await self._world.changes.until(self._changed, _QUIET, "a message"):
                    self._show(message)

    def _changed(self) -> list[Message]:
        """The messages that changed since the last call."""
        changed: list[Message] = []
        for channel in list(self._world.channels.values()):
            for message in channel.all_messages.values():
                state = (len(message.versions), message.loading, message.deleted)
                if message.author.bot and self._seen.get(message.id) != state:
                    self._seen[message.id] = state
                    changed.append(message)
        return changed
