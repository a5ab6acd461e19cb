"""Verbs that make trouble: one table for all services; what a service can suffer are methods of its stand-in."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.console.numbers import number, whole
from sandbox.console.session import RefusedError, Session

SEED = "seed="


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. A stand-in that has it has a method of its name, with `_` for `-`.

    The method takes the arguments that follow SERVICE as `convert` makes them of the words, and may be
    asynchronous. One in which chance has a part also takes `seed`, a keyword: an int makes chance decide
    where the fault strikes, the same way on every run; None makes it strike each time.
    """

    name: str
    parameters: str
    help: str
    done: str
    """What is said then, by `str.format`: the service, then the arguments."""
    convert: Callable[[list[str]], list[Any]]
    absent: str = "it cannot"
    """Why a service does not have it, where one has not."""

    @property
    def arguments(self) -> str:
        return f"SERVICE {self.parameters}".strip()

    async def run(self, session: Session, argument: str) -> None:
        """Make it so. Raises RefusedError or ValueError in words for whoever typed it."""
        service, *words = argument.split() or [""]
        method = self._method(session, service)
        options: dict[str, Any] = {}
        if words and words[-1].startswith(SEED):
            if "seed" not in inspect.signature(method).parameters:
                raise RefusedError(f"chance has no part in {self.name} {service}: it takes no seed")
            options["seed"] = whole(words.pop().removeprefix(SEED), "SEED")
        values = self.convert(words)
        done = method(*values, **options)
        if inspect.isawaitable(done):
            await done
        session.screen.note(self.done.format(service, *values))

    def services(self, session: Session) -> Sequence[str]:
        """The services that can suffer this."""
        return [name for name in services(session) if hasattr(getattr(session.world, name), self._attribute)]

    @property
    def _attribute(self) -> str:
        return self.name.replace("-", "_")

    def _method(self, session: Session, service: str) -> Callable[..., Awaitable[None] | None]:
        able = self.services(session)
        if service in services(session) and service not in able:
            raise RefusedError(f"there is no {self.name} for {service}: {self.absent} (there is: {', '.join(able)})")
        if service not in able:
            question = f"there is no {service!r} to do that to" if service else "to which service?"
            raise RefusedError(f"{question} (there is: {', '.join(able) or 'none'})")
        return getattr(getattr(session.world, service), self._attribute)


def services(session: Session) -> Sequence[str]:
    """The services that the bot talks to; Supabase only where it is installed."""
    return ["discord", "lavalink", "gemini", *(["supabase"] if session.world.supabase is not None else [])]


def is_supabase(argument: str) -> bool:
    return argument.split()[:1] == ["supabase"]


def _nothing(words: list[str]) -> list[Any]:
    if words:
        raise ValueError(f"nothing may follow the service, not {' '.join(words)!r}")
    return []


def _seconds(words: list[str]) -> list[Any]:
    return [number(" ".join(words), "SECONDS")]


def _times(words: list[str]) -> list[Any]:
    return [whole(" ".join(words) or "1", "TIMES", least=1)]


def _kind(words: list[str]) -> list[Any]:
    if len(words) != 1:
        raise ValueError("of which KIND?")
    return words


FAULTS = (
    Fault("down", "", "take a service away (no seed: no chance is in it)", "{0} is down", _nothing),
    Fault("up", "", "bring it back, without any fault (no seed either)", "{0} is up", _nothing),
    Fault("slow", "SECONDS [seed=N]", "let it answer late", "{0} answers {1:g} s late", _seconds),
    Fault("reset", "[seed=N]", "cut its connections", "the connections to {0} are cut", _nothing),
    Fault("halfopen", "[seed=N]", "it listens, and answers nothing", "{0} answers nothing", _nothing),
    Fault("ratelimit", "[TIMES] [seed=N]", "its limit is reached", "{0} refuses the next {1} with its limit", _times),
    Fault(
        "shared-limit",
        "[TIMES] [seed=N]",
        "others have used up a limit that they share with the bot",
        "{0} refuses the next {1} with a limit that is shared",
        _times,
        "only Discord has such limits",
    ),
    Fault(
        "drop-event",
        "KIND [seed=N]",
        "its next event of a kind is lost",
        "{0}'s next {1} will not arrive",
        _kind,
        "it sends no events",
    ),
)
