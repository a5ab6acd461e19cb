"""Verbs that make trouble, and end it: the faults of the services, and the bot's own life."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Protocol

from sandbox.console.numbers import number
from sandbox.console.session import RefusedError, Session
from sandbox.gemini import Reply

WORD_SECONDS = 0.15

Done = Awaitable[None] | None
"""Faults that end connections are awaited, others are only set."""


class Service(Protocol):
    """The faults that every service has; `up` ends `down` and `slow`."""

    def down(self) -> Done: ...
    def up(self) -> Done: ...
    def slow(self, seconds: float, /) -> Done: ...
    def reset(self) -> Done: ...


async def down(session: Session, argument: str) -> None:
    await _finish(_service(session, argument).down())
    session.screen.note(f"{argument} is down")


async def up(session: Session, argument: str) -> None:
    await _finish(_service(session, argument).up())
    session.screen.note(f"{argument} is up")


async def slow(session: Session, argument: str) -> None:
    name, _, seconds = argument.partition(" ")
    service, delay = _service(session, name), number(seconds.strip(), "SECONDS")
    await _finish(service.slow(delay))
    session.screen.note(f"{name} answers {delay:g} s late")


async def reset(session: Session, argument: str) -> None:
    await _finish(_service(session, argument).reset())
    session.screen.note(f"the connections to {argument} are cut")


async def stop(session: Session, argument: str) -> None:
    _only_the_bot(argument)
    session.screen.note(f"the bot ended with {await session.bot.terminate()}")


async def kill(session: Session, argument: str) -> None:
    _only_the_bot(argument)
    await session.bot.kill()
    session.screen.note("the bot was killed")


async def restart(session: Session, argument: str) -> None:
    _only_the_bot(argument)
    await session.bot.restart()
    session.screen.note(f"the bot runs, process {session.bot.pid}")


async def gemini(session: Session, argument: str) -> None:
    """Gemini's next reply."""
    if not argument:
        raise RefusedError("what?")
    reply = Reply.text(argument, chunks=len(argument.split()), interval=WORD_SECONDS)
    session.world.gemini.script(reply)
    session.screen.note("Gemini's next reply is set")


def services(session: Session) -> Sequence[str]:
    """The services that can be taken away; Supabase only where it is installed."""
    return ["discord", "lavalink", "gemini", *(["supabase"] if session.world.supabase is not None else [])]


def the_bot(_: Session) -> Sequence[str]:
    return ["bot"]


def is_supabase(argument: str) -> bool:
    return argument.split()[:1] == ["supabase"]


def _service(session: Session, name: str) -> Service:
    if name not in (known := services(session)):
        question = f"there is no {name!r} to do that to" if name else "to which service?"
        raise RefusedError(f"{question} (there is: {', '.join(known)})")
    return getattr(session.world, name)


async def _finish(done: Done) -> None:
    if done is not None:
        await done


def _only_the_bot(argument: str) -> None:
    if argument != "bot":
        raise RefusedError("only the bot: stop bot, kill bot, restart bot")
