"""The verbs of console and scripts, in one table: name, arguments, help, function, completion."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sandbox.console import expectations, faults, inspection, people, weather
from sandbox.console.session import Session

Run = Callable[[Session, str], Awaitable[None]]
Choices = Callable[[Session], Sequence[str]]


def nothing(_: Session) -> Sequence[str]:
    """For arguments that nobody can guess."""
    return ()


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb; `choices` are what its argument may be, for completion."""

    name: str
    arguments: str
    help: str
    run: Run
    choices: Choices = nothing
    needs_supabase: Callable[[str], bool] = lambda _: False
    """Whether a line with this argument makes sense only with Supabase."""


VERBS = {
    verb.name: verb
    for verb in (
        Verb("say", "TEXT", "write in #general; @bot mentions the bot", people.say),
        Verb("dm", "TEXT", "write to the bot directly", people.dm),
        Verb("join", "#music", "join the voice channel", people.join, people.voice_channels),
        Verb("leave", "", "leave voice", people.leave),
        Verb("click", "BUTTON", "press a button under a message", people.click, people.pressable),
        Verb("as", "NAME", "be someone else", people.become, people.members),
        Verb(
            "rows",
            "[remote] TABLE [COLUMN …]",
            "the last rows of the local store, or of Supabase's database",
            inspection.rows,
            inspection.tables,
            inspection.is_remote,
        ),
        Verb("players", "", "what Lavalink plays", inspection.players),
        Verb("log", "[LINES]", "the end of the bot's log", inspection.log),
        Verb("gemini", "TEXT", "what Gemini answers next, streamed word by word", weather.gemini),
        *(
            Verb(fault.name, fault.arguments, fault.help, fault.run, fault.services, faults.is_supabase)
            for fault in faults.FAULTS
        ),
        Verb("stop", "bot", "SIGTERM, as an operator does", weather.stop, weather.the_bot),
        Verb("kill", "bot", "kill -9", weather.kill, weather.the_bot),
        Verb("restart", "bot", "stop it if it runs, and start it again", weather.restart, weather.the_bot),
        Verb(
            "expect",
            "CONDITION",
            "fail unless it holds within 5 s",
            expectations.expect,
            expectations.conditions,
            expectations.is_remote,
        ),
        Verb(
            "wait",
            "SECONDS CONDITION",
            "the same with a deadline of your own",
            expectations.wait,
            nothing,
            expectations.waits_for_remote,
        ),
    )
}


async def run_line(session: Session, line: str, *, chat: bool) -> None:
    """Do what a line says. With `chat`, a line that begins with no verb is written in #general.

    Raises RefusedError, ValueError, PermissionError or OSError in words for the user.
    """
    word, _, argument = line.strip().partition(" ")
    if line.startswith("/"):
        await session.slash(line)
    elif word in VERBS:
        await VERBS[word].run(session, argument.strip())
    elif chat or line.startswith("@"):
        await session.say(line)
    else:
        raise ValueError(f"there is no verb {word!r}; in a script text for #general is `say TEXT`")


def needs_supabase(line: str) -> bool:
    """Whether `line` makes sense only where Supabase's real parts are installed."""
    word, _, argument = line.strip().partition(" ")
    return word in VERBS and VERBS[word].needs_supabase(argument.strip())
