"""Revisions: a hybrid logical clock, so that of two versions of a row the newer one always has the higher number."""

from __future__ import annotations

from collections.abc import Callable

LIMIT = 9007199254740991
"""2^53 - 1: the largest integer that JSON readers keep exact, and the database's own check."""
_YEAR_2024_US = 1_704_067_200_000_000
NO_CLOCKS = 4_102_444_800_000_000
"""The year 2100 in µs: a revision from here on is no clock's, and would leave no room above it."""


class RevisionClock:
    """Gives revisions in microseconds that never go back; they are compared, never read as time."""

    def __init__(self, last: int, time_us: Callable[[], int]) -> None:
        self.last = last
        self._time_us = time_us

    def next(self) -> int:
        """A revision above every one before; a host clock outside 2024 to 2100 is not believed."""
        now = self._time_us()
        believed = now if _YEAR_2024_US <= now < NO_CLOCKS else 0
        self.last = max(self.last + 1, believed)
        return self.last

    def lift(self, revision: int) -> None:
        """Go above a revision seen elsewhere, but for one that is no clock's."""
        if revision < NO_CLOCKS:
            self.last = max(self.last, revision)
