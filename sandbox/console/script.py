"""A script of the console's verbs, with expectations: `sandbox/tour.txt` is one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.bot_process import BotEnded
from sandbox.console import verbs
from sandbox.console.session import RefusedError, Session

# What a line may end with in words for its writer; anything else is a fault of the sandbox itself.
FAULTS = (RefusedError, ValueError, PermissionError, TimeoutError, OSError, BotEnded)


@dataclass(frozen=True, slots=True)
class Line:
    """One line to do: its number in the file and its text."""

    number: int
    text: str


def read(path: Path) -> list[Line]:
    """A script's lines without comments (`#` first) and empty ones. Raises OSError, UnicodeDecodeError."""
    numbered = enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
    return [Line(number, text.strip()) for number, text in numbered if text.strip() and not text.startswith("#")]


@dataclass(slots=True)
class Outcome:
    """How a script went."""

    held: int = 0
    skipped: int = 0
    failed: list[str] = field(default_factory=list[str])
    """What failed, each with its line."""

    @property
    def exit_code(self) -> int:
        return 1 if self.failed else 0

    def summary(self) -> str:
        """In one line, for the end of the run."""
        parts = [f"{self.held} expectations held", f"{len(self.failed)} lines failed"]
        return ", ".join([*parts, f"{self.skipped} lines skipped"])


async def run(session: Session, lines: Sequence[Line]) -> Outcome:
    """Do every line; a failed one does not keep the next from being done."""
    outcome = Outcome()
    for line in lines:
        session.screen.say(f"{session.member.name}> {line.text}", "bold")
        if session.world.supabase is None and verbs.needs_supabase(line.text):
            _skip(session, line, outcome)
            continue
        try:
            await verbs.run_line(session, line.text, chat=False)
        except FAULTS as error:
            _fail(session, line, str(error), outcome)
        else:
            outcome.held += line.text.startswith(("expect ", "wait "))
    return outcome


def _skip(session: Session, line: Line, outcome: Outcome) -> None:
    why = f"PostgreSQL and PostgREST are not installed: {session.world.missing}"
    if os.environ.get("REQUIRE_REAL") == "1":
        _fail(session, line, why, outcome)
        return
    session.screen.say(f"  – SKIPPED: {why}", "yellow")
    outcome.skipped += 1


def _fail(session: Session, line: Line, why: str, outcome: Outcome) -> None:
    session.screen.problem(f"line {line.number}: {line.text}\n    {why}")
    outcome.failed.append(f"line {line.number}: {line.text}")
