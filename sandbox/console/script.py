"""A script of the console's verbs, with expectations: `sandbox/tour.txt` is one."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.bot_process import BotEnded
from sandbox.console import verbs
from sandbox.console.session import RefusedError, Session
from sandbox.discord import DiscordStandIn

# What a line may end with in words for its writer; anything else is a fault of the sandbox itself.
FAULTS = (RefusedError, ValueError, PermissionError, TimeoutError, OSError, sqlite3.Error, BotEnded)


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its number in the file and its text."""

    number: int
    text: str

    @property
    def is_comment(self) -> bool:
        return self.text.startswith("#")

    @property
    def is_expectation(self) -> bool:
        return self.text.startswith(("expect ", "wait "))


def read(path: Path) -> list[Line]:
    """A script's lines without empty ones. Raises OSError, UnicodeDecodeError."""
    numbered = enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
    return [Line(number, text.strip()) for number, text in numbered if text.strip()]


@dataclass(slots=True)
class Outcome:
    """How a script went."""

    held: int = 0
    skipped: int = 0
    failed: list[str] = field(default_factory=list[str])
    """What failed, each with its line; then what the bot sent that Discord could not take."""

    @property
    def exit_code(self) -> int:
        return 1 if self.failed else 0

    def summary(self) -> str:
        """In one line, for the end of the run."""
        parts = [f"{self.held} expectations held", f"{len(self.failed)} lines failed"]
        return ", ".join([*parts, f"{self.skipped} lines skipped"])


async def run(session: Session, lines: Sequence[Line]) -> Outcome:
    """Do every line; a failed one does not keep the next from being done. Comments are headings of what is shown."""
    outcome = Outcome()
    last: Line | None = None
    for line in lines:
        _show(session, line, last)
        last = line
        if line.is_comment:
            continue
        if session.world.supabase is None and verbs.needs_supabase(line.text):
            _skip(session, line, outcome)
            continue
        try:
            await verbs.run_line(session, line.text, chat=False)
        except FAULTS as error:
            _fail(session, line, str(error), outcome)
        else:
            outcome.held += line.is_expectation
    for wrong in _wrong_in_themselves(session.world.discord):
        session.screen.problem(f"Discord does not know what to do with {wrong}")
        outcome.failed.append(wrong)
    return outcome


def _wrong_in_themselves(discord: DiscordStandIn) -> list[str]:
    """What the bot sent that breaks Discord's rules, or is for a route that the stand-in lacks."""
    requests = [*discord.unknown_requests, *discord.broken_requests]
    return [f"{each.method} {each.path}: {each.status} {each.answer}" for each in requests] + discord.broken_frames


def _show(session: Session, line: Line, last: Line | None) -> None:
    if line.is_comment:
        goes_on = last is not None and last.is_comment and last.number == line.number - 1
        session.screen.say(line.text if goes_on else f"\n{line.text}", "bold yellow")
    elif not line.is_expectation:  # what comes of an expectation says what it was
        session.screen.say(f"{session.member.name}> {line.text}", "bold")


def _skip(session: Session, line: Line, outcome: Outcome) -> None:
    why = f"PostgreSQL and PostgREST are not installed; `{session.world.missing}` installs them"
    if os.environ.get("REQUIRE_REAL") == "1":
        _fail(session, line, why, outcome)
        return
    session.screen.say(f"  – SKIPPED {line.text} ({why})", "yellow")
    outcome.skipped += 1


def _fail(session: Session, line: Line, why: str, outcome: Outcome) -> None:
    session.screen.problem(f"line {line.number}: {line.text}\n    {why}")
    outcome.failed.append(f"line {line.number}: {line.text}")
