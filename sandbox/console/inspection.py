"""Verbs that look: rows, players, the log."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from sandbox.console import local_rows
from sandbox.console.conditions import Row, described, read_rows
from sandbox.console.numbers import number
from sandbox.console.session import Session

LAST_ROWS = 10
LAST_LINES = 20
# What is the same in every row here, and what keeps the books between the two stores, says nothing to a reader.
HIDDEN = {
    "application_id",
    "deleted",
    "event_id",
    "guild_id",
    "id",
    "replicated_revision",
    "revision",
    "set_aside",
    "user_id",
}
TIME = re.compile(r"\d{4}-\d\d-\d\dT(\d\d:\d\d:\d\d)\S*")


async def rows(session: Session, argument: str) -> None:
    table, *columns = argument.split()[is_remote(argument) :] or [""]
    if not table:
        raise ValueError(f"which table? {', '.join(tables(session))}")
    found = await read_rows(session, table, remote=is_remote(argument))
    if found:
        session.screen.show(_drawn(found[-LAST_ROWS:], columns))
    count = "1 row" if len(found) == 1 else f"{len(found)} rows"
    session.screen.note(count + (f", the last {LAST_ROWS}" if len(found) > LAST_ROWS else ""))


async def players(session: Session, _: str) -> None:
    playing = session.player()
    session.screen.note("nothing plays" if playing is None else described(playing))


async def log(session: Session, argument: str) -> None:
    count = int(number(argument, "LINES", least=1)) if argument else LAST_LINES
    for line in session.bot.log().splitlines()[-count:]:
        session.screen.note(line)


def tables(session: Session) -> Sequence[str]:
    """The tables of the local store; the same with `remote` where there is Supabase."""
    names = [name for name in local_rows.tables(session.store) if not name.startswith("sqlite_")]
    remote = [f"remote {name}" for name in names] if session.world.supabase is not None else []
    return names + remote


def is_remote(argument: str) -> bool:
    return argument.split()[:1] == ["remote"]


def _drawn(found: Sequence[Row], columns: Sequence[str]) -> Table:
    """The rows with these columns, or with all that say something. Raises ValueError for one that is not there."""
    columns = columns or [name for name in found[0] if name not in HIDDEN]
    if unknown := [name for name in columns if name not in found[0]]:
        raise ValueError(f"there is no column {', '.join(unknown)} (there is: {', '.join(found[0])})")
    drawn = Table(header_style="bold", border_style="grey50")
    for name in columns:
        drawn.add_column(name, overflow="fold")
    for row in found:
        drawn.add_row(*(escape(_cell(row[name])) for name in columns))
    return drawn


def _cell(value: object) -> str:
    return "–" if value is None else TIME.sub(r"\1", str(value))
