"""How far this machine's clock is from Supabase's, learned from its answers."""

from __future__ import annotations


class ClockOffset:
    """What to add to this machine's time to get Supabase's.

    The database is asked, at each connect and from time to time. Where it cannot tell, an answer's `Date` will do: a
    whole second of the gateway's clock, somewhere between the request and the answer, so that each answer narrows the
    range that the offset must be in.
    """

    def __init__(self) -> None:
        self._low = self._high = 0.0
        self._known = self._told = False

    def told(self, at: float, sent: float, received: float) -> None:
        """The database said that it is `at`, between `sent` and `received`; all in s since 1970, by their own clocks.
        From now on no `Date` is believed: the gateway's clock need not be the database's."""
        self._low, self._high, self._told = at - received, at - sent, True

    def seen(self, date: float, sent: float, received: float) -> None:
        """An answer of `date` came at `received` to a request of `sent`; as in `told`."""
        if self._told:
            return
        low, high = date - received, date + 1 - sent
        if self._known and low <= self._high and high >= self._low:
            low, high = max(low, self._low), min(high, self._high)
        # Otherwise one of the clocks was set meanwhile: what was learned before is of no use.
        self._low, self._high, self._known = low, high, True

    @property
    def seconds(self) -> float:
        """The offset in s; 0 while nothing contradicts that both clocks agree."""
        return 0.0 if self._low <= 0 <= self._high else (self._low + self._high) / 2
