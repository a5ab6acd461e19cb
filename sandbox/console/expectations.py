"""Verbs that judge."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.console import conditions as known
from sandbox.console.numbers import number
from sandbox.console.session import Session

DEADLINE = 5.0


async def expect(session: Session, argument: str) -> None:
    await known.until_holds(session, argument, DEADLINE)
    session.screen.say(f"  ✓ {argument}", "green")


async def wait(session: Session, argument: str) -> None:
    seconds, _, condition = argument.partition(" ")
    await known.until_holds(session, condition, number(seconds, "SECONDS"))
    session.screen.say(f"  ✓ {condition}", "green")


def conditions(_: Session) -> Sequence[str]:
    return [text.partition(" ")[0] for text in known.HELP]


def is_remote(argument: str) -> bool:
    return "remote" in argument.split()[:2]


def waits_for_remote(argument: str) -> bool:
    return is_remote(argument.partition(" ")[2])
