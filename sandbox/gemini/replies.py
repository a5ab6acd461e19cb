"""Scripted replies: what the API may send in answer to one call, as a list of steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import grpc

from sandbox.gemini import refusals
from sandbox.gemini.refusals import Refuse


@dataclass(frozen=True, slots=True)
class Text:
    """A chunk of text, in one part as a rule; the last one of a reply carries its finish reason."""

    text: str
    finish: str | int = ""
    """A finish reason, by number where it is newer than the package's protos."""
    parts: int = 1


@dataclass(frozen=True, slots=True)
class Thinking:
    """Tokens that are billed and in the total, without any text."""

    tokens: int


@dataclass(frozen=True, slots=True)
class Thought:
    """A chunk with a summary of what the model thought: a text part that only a newer field tells from the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class NoParts:
    """A chunk whose candidate has no content."""

    finish: str | int = ""


@dataclass(frozen=True, slots=True)
class Blocked:
    """A chunk without candidates: the prompt itself was refused."""

    reason: str | int
    """A block reason, by number where it is newer than the package's protos."""


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A chunk that asks for a tool."""

    name: str
    arguments: dict[str, object]


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing for a while."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Hang:
    """Nothing any more; the call stays open."""


@dataclass(frozen=True, slots=True)
class Reset:
    """The connection breaks (TCP RST)."""


Usage = Literal["every", "last", "not last", "never"]
"""Which chunks of a reply carry `usage_metadata`."""
Step = Text | Thinking | Thought | NoParts | Blocked | FunctionCall | Wait | Hang | Reset | Refuse


@dataclass(frozen=True, slots=True)
class Reply:
    """The steps of one reply, and which of its chunks carry `usage_metadata`."""

    steps: tuple[Step, ...]
    usage: Usage = "every"

    @classmethod
    def text(
        cls,
        text: str,
        chunks: int = 5,
        interval: float = 0.02,
        *,
        thoughts: int = 0,
        usage: Usage = "every",
        finish: str = "STOP",
        first: float = 0.0,
    ) -> Reply:
        """`text` in so many chunks, `interval` seconds apart, the first one after `first` seconds.

        Older models send usage in the last only.
        """
        steps: list[Step] = [Wait(first)] if first else []
        steps += [Thinking(thoughts)] if thoughts else []
        texts = pieces(text, chunks)
        for number, piece in enumerate(texts, 1):
            steps.append(Text(piece, finish if number == len(texts) else ""))
            steps.append(Wait(interval))
        return cls(tuple(steps[:-1]), usage)

    @classmethod
    def cut(
        cls,
        text: str,
        chunks: int = 5,
        after: int = 2,
        by: Step | None = None,
        usage: Usage = "every",
    ) -> Reply:
        """The first `after` chunks of `text`, then `by`: UNAVAILABLE unless told."""
        end = by or Refuse(grpc.StatusCode.UNAVAILABLE, "The service is currently unavailable.")
        return cls((*(Text(piece) for piece in pieces(text, chunks)[:after]), end), usage)

    @classmethod
    def blocked(cls, reason: str | int = "SAFETY") -> Reply:
        """The prompt is refused; the API still tells the tokens of the prompt."""
        return cls((Blocked(reason),))

    @classmethod
    def stopped(cls, finish: str | int, thoughts: int = 0) -> Reply:
        """A finish reason (`SAFETY`, `RECITATION`, `MAX_TOKENS`, or a newer one by number) without a word."""
        return cls((*([Thinking(thoughts)] if thoughts else []), NoParts(finish)))

    @classmethod
    def empty(cls) -> Reply:
        """A stream that ends before its first chunk."""
        return cls(())

    @classmethod
    def without_parts(cls) -> Reply:
        """Two chunks whose candidates have no content."""
        return cls((NoParts(), NoParts("STOP")))

    @classmethod
    def refused(cls, refusal: Refuse) -> Reply:
        """Nothing but `refusal`; see `sandbox.gemini.refusals`."""
        return cls((refusal,))

    @classmethod
    def rate_limited(cls, retry_after: float | None = None) -> Reply:
        """429."""
        return cls.refused(refusals.rate_limit(retry_after))

    @classmethod
    def unavailable(cls, retry_after: float | None = None) -> Reply:
        """503."""
        return cls.refused(refusals.overloaded(retry_after))

    @classmethod
    def internal(cls) -> Reply:
        """500."""
        return cls.refused(refusals.INTERNAL)

    @classmethod
    def deadline(cls) -> Reply:
        """504."""
        return cls.refused(refusals.DEADLINE)

    @classmethod
    def bad_key(cls) -> Reply:
        """400 with `API_KEY_INVALID`."""
        return cls.refused(refusals.BAD_KEY)

    @classmethod
    def bad_request(cls) -> Reply:
        """400 for another reason than the key."""
        return cls.refused(refusals.BAD_REQUEST)

    @classmethod
    def denied(cls) -> Reply:
        """403."""
        return cls.refused(refusals.SERVICE_DISABLED)

    @classmethod
    def model_gone(cls, model: str = "models/gemini-pro") -> Reply:
        """404."""
        return cls.refused(refusals.model_not_found(model))

    @classmethod
    def hang(cls) -> Reply:
        """The call is taken and never answered."""
        return cls((Hang(),))

    @classmethod
    def tool_call(cls, name: str, arguments: dict[str, object]) -> Reply:
        """The model wants a function called."""
        return cls((FunctionCall(name, arguments), NoParts("STOP")))

    @classmethod
    def long(cls, chunks: int = 20, interval: float = 0.02) -> Reply:
        """About 7,000 characters of prose and fenced code."""
        prose = "The queue is a list, and a list has an order. " * 6
        lines = "\n".join(f"print('line {number} of the example')" for number in range(40))
        code = f"```python\n{lines}\n```"
        return cls.text("\n\n".join(part for _ in range(4) for part in (prose, code)), chunks, interval)


def pieces(text: str, chunks: int) -> list[str]:
    """`text` in at most so many pieces of about the same length, at least one."""
    size = max(1, -(-len(text) // chunks))
    return [text[start : start + size] for start in range(0, len(text), size)] or [""]
