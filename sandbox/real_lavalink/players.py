"""Players of a real Lavalink, as far as they were seen going by."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class SeenInfo:
    """A track's `info`, as far as anyone asks."""

    title: str


@dataclass(slots=True)
class SeenTrack:
    """What plays."""

    info: SeenInfo


class SeenPlayer:
    """A guild's player, as the last answer or message about it had it."""

    def __init__(self) -> None:
        self.current: SeenTrack | None = None
        self.paused = False
        self.volume = 100
        self._state: dict[str, Any] = {"position": 0, "time": 0, "connected": False}

    @property
    def position(self) -> int:
        """Milliseconds; time has passed since the last state if sound is sent."""
        runs = self.current is not None and self._state["connected"] and not self.paused
        return self._state["position"] + (int(time.time() * 1000) - self._state["time"] if runs else 0)

    def state(self) -> dict[str, Any]:
        """Lavalink's last `state`."""
        return self._state

    def see(self, message: dict[str, Any]) -> None:
        """Take over what an answer or a message says."""
        self.paused, self.volume = message.get("paused", self.paused), message.get("volume", self.volume)
        self._state = message.get("state", self._state)
        if message.get("type") == "TrackEndEvent":
            self.current = None
        elif "track" in message:
            track = message["track"]
            self.current = SeenTrack(SeenInfo(str(track["info"]["title"]))) if track else None
