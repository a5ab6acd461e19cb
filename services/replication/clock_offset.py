"""How far this machine's clock is from Supabase's, learned from its answers."""

from __future__ import annotations


class ClockOffset:
    """What to add to this machine's time to get Supabase's.

    An answer's `Date` is a whole second of Supabase's clock, somewhere between the request and the answer: each
    answer narrows the range that the offset must be in.
    """

    def __init__(self) -> None:
        self._low = self._high = 0.0
        self._known = False

    def seen(self, date: float, sent: float, received: float) -> None:
        """An answer of `date` came at `received` to a request of `sent`; all in s since 1970, by their own clocks."""
        low, high = date - received, date + 1 - sent
        if self._known and low <= self._high and high >= self._low:
            low, high = max(low, self._low), min(high, self._high)
        # Otherwise one of the clocks was set meanwhile: what was learned before is of no use.
        self._low, self._high, self._known = low, high, True

    @property
    def seconds(self) -> float:
        """The offset in s; 0 while nothing contradicts that both clocks agree."""
        return 0.0 if self._low <= 0 <= self._high else (self._low + self._high) / 2
