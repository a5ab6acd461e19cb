"""Orders that a real server leaves to chance, chosen by a seed."""

import random

from sandbox.lavalink.payloads import Message

# Seen on 4.2.2: `stats` came before `ready` in 2 of 32 connections.
_STATS_FIRST = 1 / 16


class Races:
    """Chance, repeatable; switched off it always chooses the common order."""

    def __init__(self, seed: int, *, enabled: bool) -> None:
        self._random = random.Random(seed)
        self.enabled = enabled

    def stats_before_ready(self) -> bool:
        """Whether a new connection gets its stats before its ready."""
        return self.enabled and self._random.random() < _STATS_FIRST

    def heads(self) -> bool:
        """An even chance; False when switched off."""
        return self.enabled and self._random.random() < 0.5

    def around_answer(self, messages: list[Message]) -> tuple[list[Message], list[Message]]:
        """Messages that go out before a PATCH or DELETE is answered, and after.

        A TrackStart and the two playerUpdates of a play come in any order, the answer anywhere among all of
        them; what went before a TrackStart (TrackEnd of the old track, voice closed) stays before it.
        """
        if not self.enabled:
            return messages, []
        start = next((at for at, one in enumerate(messages) if one.get("type") == "TrackStartEvent"), None)
        ordered = list(messages)
        if start is not None:
            shuffled = ordered[start:]
            self._random.shuffle(shuffled)
            ordered[start:] = shuffled
        cut = self._random.randint(0, len(ordered))
        return ordered[:cut], ordered[cut:]
