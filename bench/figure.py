"""One figure of the benches."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement: the baseline's value, ours, and how many times better ours is."""

    name: str
    baseline: float
    ours: float
    unit: str
    ratio: float
    to_reach: float
    note: str = ""

    @property
    def reached(self) -> bool:
        """Whether the ratio is what it has to be."""
        return self.ratio >= self.to_reach
