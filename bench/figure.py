"""One figure of the benches."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bound:
    """What a value may not exceed, whatever the baseline's is."""

    what: str
    value: float
    most: float

    @property
    def held(self) -> bool:
        """Whether it does not."""
        return self.value <= self.most

    def __str__(self) -> str:
        return f"{self.what} {self.value:,.2f} {'<=' if self.held else '> (!)'} {self.most:g}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement: the baseline's value, ours, how many times better ours is, and what is bounded in itself."""

    name: str
    baseline: float
    ours: float
    unit: str
    ratio: float
    to_reach: float
    note: str = ""
    bounds: tuple[Bound, ...] = ()

    @property
    def reached(self) -> bool:
        """Whether the ratio is what it has to be, and every bound is held."""
        return self.ratio >= self.to_reach and all(bound.held for bound in self.bounds)
