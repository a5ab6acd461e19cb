"""What `python bot.py` is told on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.errors import UserError
from services.i18n import N_, Locale, say

_USAGE = (
    N_("Usage:"),
    N_("python bot.py  –  runs the bot; its settings are environment variables or lines of .env, see .env.example"),
    N_("python bot.py doctor  –  checks the settings and all that the bot talks to, and changes nothing"),
    N_("    --write  –  also writes a row to Supabase, reads it back and deletes it"),
    N_("    --json  –  prints the report as JSON"),
    N_("    --retry-set-aside  –  has the rows that Supabase refused sent again"),
    N_("python bot.py --help  –  shows this text"),
)


@dataclass(frozen=True, slots=True)
class RunBot:
    """Run the bot."""


@dataclass(frozen=True, slots=True)
class ShowUsage:
    """Say how the program is used."""


@dataclass(frozen=True, slots=True)
class Examine:
    """Run the doctor."""

    write: bool = False
    json: bool = False
    retry_set_aside: bool = False


def parse(arguments: Sequence[str]) -> RunBot | ShowUsage | Examine:
    """What the arguments after the program's name ask for.

    Raises:
        UserError: one of them is unknown.
    """
    if {"-h", "--help"} & set(arguments):
        return ShowUsage()
    if not arguments:
        return RunBot()
    command, *flags = arguments
    if command != "doctor":
        raise UserError(N_("“{word}” is not known here."), word=command)
    known = ("--write", "--json", "--retry-set-aside")
    for flag in flags:
        if flag not in known:
            raise UserError(N_("“{word}” is not known here."), word=flag)
    return Examine(*(flag in flags for flag in known))


def usage(locale: Locale) -> str:
    """How the program is used, one line a way."""
    return "\n".join(say(locale, line) for line in _USAGE)
