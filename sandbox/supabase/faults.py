"""What the gateway does to requests on purpose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox.trouble import Trouble


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer given in PostgREST's place."""

    status: int
    body: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reset:
    """The connection is cut instead of an answer; with `after_commit` once the request has taken effect."""

    after_commit: bool


OVER_THE_LIMIT = Answer(
    429, '{"message":"API rate limit exceeded"}', {"Content-Type": "application/json", "Retry-After": "1"}
)


@dataclass(slots=True)
class Faults:
    """The faults that are due; of `due` each request uses up the first."""

    trouble: Trouble = field(default_factory=Trouble)
    due: list[Answer | Reset] = field(default_factory=list[Answer | Reset])
    standing: Answer | None = None
    """Given to every request until it is taken away."""

    def next(self) -> Answer | Reset | None:
        """The fault of the request that has just come."""
        if self.trouble.refuses():
            return OVER_THE_LIMIT
        return self.due.pop(0) if self.due else self.standing

    def clear(self) -> None:
        """No fault from now on."""
        self.due.clear()
        self.standing = None
        self.trouble.clear()
