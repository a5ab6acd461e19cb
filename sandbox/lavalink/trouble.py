"""Lavalink's faults that are switched on: those of any service, and messages that are lost."""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox import trouble
from sandbox.chance import Chance

# What may be lost on a WebSocket: an op, or an event's type (lavalink.dev/api/websocket).
KINDS = (
    "playerUpdate",
    "stats",
    "TrackStartEvent",
    "TrackEndEvent",
    "TrackExceptionEvent",
    "TrackStuckEvent",
    "WebSocketClosedEvent",
)


def known_kind(kind: str) -> str:
    """The kind. Raises ValueError for one that there is not."""
    if kind not in KINDS:
        raise ValueError(f"Lavalink has no {kind!r} (there is: {', '.join(KINDS)})")
    return kind


@dataclass(slots=True)
class Trouble(trouble.Trouble):
    """What goes wrong at the moment, and where chance lets it; refused are look-ups, by their source."""

    lost: list[tuple[str, Chance]] = field(default_factory=list[tuple[str, Chance]])
    """Kinds of which the next message is lost."""

    def loses(self, message: dict[str, object]) -> bool:
        """Whether the message at hand is lost; that uses its loss up."""
        names = (message.get("op"), message.get("type"))
        for loss in self.lost:
            if loss[0] in names and loss[1].strikes():
                self.lost.remove(loss)
                return True
        return False

    def clear(self) -> None:
        """Nothing goes wrong any more; what waits goes on."""
        trouble.Trouble.clear(self)
        self.lost.clear()
