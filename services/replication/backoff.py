"""How long to wait before the next try."""

from __future__ import annotations

import random

FIRST = 0.5
LONGEST = 60.0


class Backoff:
    """Full jitter under a ceiling that doubles from 0.5 s to 60 s, so that many bots do not return at once."""

    def __init__(self, uniform: random.Random | None = None) -> None:
        self._uniform = uniform or random.Random()
        self._ceiling = FIRST

    def reset(self) -> None:
        """The last try worked."""
        self._ceiling = FIRST

    def delay(self, at_least: float | None) -> float:
        """Seconds to wait now; never less than the server asked for with `at_least`."""
        jittered = self._uniform.uniform(0, self._ceiling)
        self._ceiling = min(self._ceiling * 2, LONGEST)
        return max(jittered, at_least or 0.0)
