"""Chance in a fault, the same on every run."""

from __future__ import annotations

import random


class Chance:
    """Without a seed a fault strikes each time and in full; with one, chance decides, repeatably."""

    def __init__(self, seed: int | None = None) -> None:
        self._random = None if seed is None else random.Random(seed)

    def strikes(self) -> bool:
        """Whether the fault strikes this time; with a seed an even chance."""
        return self._random is None or self._random.random() < 0.5

    def part(self) -> float:
        """How much of the fault there is this time, from 0 to 1."""
        return 1.0 if self._random is None else self._random.random()
