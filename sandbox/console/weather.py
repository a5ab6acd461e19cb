"""Verbs that decide what comes next: Gemini's reply, and the bot's own life."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.console.session import RefusedError, Session
from sandbox.gemini import Reply

WORD_SECONDS = 0.15


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


def the_bot(_: Session) -> Sequence[str]:
    return ["bot"]


def _only_the_bot(argument: str) -> None:
    if argument != "bot":
        raise RefusedError("only the bot: stop bot, kill bot, restart bot")
