"""How far this machine's clock is from others', by the dates of answers that come anyway."""

from __future__ import annotations

from email.utils import parsedate_to_datetime


class Clock:
    """`ahead` has, by host, how many seconds this machine is ahead of it (negative: behind)."""

    def __init__(self) -> None:
        self.ahead: dict[str, float] = {}

    def note(self, host: str, date: str, sent: float, received: float) -> None:
        """Take in an answer's `Date` header, and when the request went and the answer came (Unix seconds)."""
        try:
            told = parsedate_to_datetime(date).timestamp()
        except ValueError:
            return
        # The header has whole seconds, and the answer was made at some moment between the two.
        if told < sent - 1:
            self.ahead[host] = sent - told
        elif told > received + 1:
            self.ahead[host] = received - told
        else:
            self.ahead[host] = 0.0
