"""What the remote store answers, where it is more than numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from services.commands import QueuedCommand


@dataclass(frozen=True, slots=True)
class Claim:
    """What `claim_commands` gave."""

    taken: list[QueuedCommand]
    asked: list[str]
    """The guilds of pending commands that were not claimed."""


@dataclass(frozen=True, slots=True)
class StateRow:
    """A row of `bot_state`."""

    key: str
    value: Any
    """Any JSON; None where a person deleted it."""
    revision: int

    @property
    def is_document(self) -> bool:
        """Whether it is what the bot keeps there."""
        return isinstance(self.value, dict)
