"""What a script expects, in words: `reply contains "Morning"`, `row gemini_usage status=settled`."""

from __future__ import annotations

import asyncio
import math
import operator
import re
import shlex
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import aiohttp

from sandbox.console import local_rows
from sandbox.console.numbers import number
from sandbox.console.session import RefusedError, Session, buttons, is_named
from sandbox.lavalink.player import Player
from sandbox.supabase.postgresql import SQLError

POLL = 0.05
SHOWN_ROWS = 3
FILTER = re.compile(r"(?P<column>\w+)(?P<sign>!=|=|>|<|~)(?P<value>.*)", re.DOTALL)
COMPARISONS = {">": operator.gt, "<": operator.lt}

Row = dict[str, object]
Check = Callable[[Session], Awaitable[tuple[bool, str]]]
"""Whether a condition holds now, and what was seen."""

HELP = {
    'reply contains "TEXT"': "the last answer, as it is now",
    "reply private": "the last answer is for its reader only",
    "button NAME": "a button of this name can be pressed",
    "row TABLE [COLUMN=VALUE …]": "the local store has such a row (also != > < and ~ for contains)",
    "no row TABLE [COLUMN=VALUE …]": "it has none",
    "remote TABLE [COLUMN=VALUE …]": "the same in Supabase's database, also with no",
    "service NAME STATE": "what the bot's /readyz says of it: ok, off, waiting, down, …",
    "player playing | paused | none": "what Lavalink does in this server",
    "player position>MS": "how far the track is, in ms",
}


class FailedError(RefusedError):
    """An expectation did not hold."""


async def until_holds(session: Session, text: str, timeout: float) -> None:
    """Wait until the condition holds, `timeout` s at most.

    Raises:
        ValueError: `text` is no condition.
        FailedError: it did not hold in time; what was expected and what was seen.
    """
    check = parse(text)
    deadline = asyncio.get_running_loop().time() + timeout
    while True:
        held, seen = await check(session)
        if held:
            return
        if asyncio.get_running_loop().time() >= deadline:
            raise FailedError(f"expected {text}\n    seen {seen or 'nothing'}")
        # SQLite and PostgreSQL tell nobody that a row has come.
        await asyncio.sleep(POLL)


def parse(text: str) -> Check:
    """Raises ValueError, naming the conditions that there are."""
    match shlex.split(text):
        case ["reply", "contains", part]:
            return reply_contains(part)
        case ["reply", "private"]:
            return reply_private
        case ["button", *name] if name:
            return button(" ".join(name))
        case ["service", name, state]:
            return service(name, state)
        case ["player", "playing" | "paused" | "none" as state]:
            return player(state)
        case ["player", place] if place.startswith("position"):
            return position(Filter.read(place))
        case ["row" | "remote" as where, table, *filters]:
            return stored(where, table, [Filter.read(one) for one in filters], wanted=True)
        case ["no", "row" | "remote" as where, table, *filters]:
            return stored(where, table, [Filter.read(one) for one in filters], wanted=False)
        case _:
            raise ValueError(f"what is {text!r}? Conditions are: {'; '.join(HELP)}")


def reply_contains(part: str) -> Check:
    async def check(session: Session) -> tuple[bool, str]:
        text = "\n".join(message.text for message in session.reply)
        return part in text, repr(text)

    return check


async def reply_private(session: Session) -> tuple[bool, str]:
    marks = [message.ephemeral for message in session.reply]
    return bool(marks) and all(marks), "an answer for everyone" if marks else ""


def button(name: str) -> Check:
    async def check(session: Session) -> tuple[bool, str]:
        there = [one for message in session.visible_messages() for one in buttons(message)]
        labels = ", ".join(str(one.get("label") or one["custom_id"]) for one in there)
        return any(is_named(one, name) for one in there), labels

    return check


@dataclass(frozen=True, slots=True)
class Filter:
    """One `column=value` of a condition."""

    column: str
    sign: str
    value: str

    @classmethod
    def read(cls, text: str) -> Filter:
        found = FILTER.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is not COLUMN=VALUE")
        if found["sign"] in COMPARISONS:
            number(found["value"], f"what comes after {found['sign']}", least=-math.inf)
        return cls(found["column"], found["sign"], found["value"])

    def holds(self, row: Row) -> bool:
        """Raises ValueError where the row has no such column."""
        if self.column not in row:
            raise ValueError(f"there is no column {self.column} (there is: {', '.join(row)})")
        actual = row[self.column]
        if self.sign in COMPARISONS:
            return actual is not None and COMPARISONS[self.sign](float(str(actual)), float(self.value))
        if self.sign == "~":
            return self.value in str(actual)
        return self._equals(actual) is (self.sign == "=")

    def _equals(self, actual: object) -> bool:
        if self.value == "null":
            return actual is None
        if self.value in ("true", "false"):  # SQLite has 0 and 1
            return actual is not None and bool(actual) is (self.value == "true")
        return actual is not None and str(actual) == self.value


def stored(where: str, table: str, filters: Sequence[Filter], *, wanted: bool) -> Check:
    async def check(session: Session) -> tuple[bool, str]:
        rows = await read_rows(session, table, remote=where == "remote")
        matching = [row for row in rows if all(one.holds(row) for one in filters)]
        shown = (rows if wanted else matching)[-SHOWN_ROWS:]
        named = [{one.column: row[one.column] for one in filters} or row for row in shown]
        return bool(matching) is wanted, f"{len(rows)} rows" + "".join(f"\n      {row}" for row in named)

    return check


async def read_rows(session: Session, table: str, *, remote: bool) -> list[Row]:
    """A table's rows, here or in Supabase.

    Raises:
        RefusedError: there is no Supabase here.
        ValueError: there is no such table, or PostgreSQL says something else.
    """
    if not remote:
        return local_rows.rows(session.store, table)
    if session.world.supabase is None:
        raise RefusedError(f"there is no Supabase here; `{session.world.missing}` installs it")
    try:
        return await session.world.supabase.rows(table)
    except SQLError as error:
        raise ValueError(str(error).strip()) from None


def service(name: str, state: str) -> Check:
    async def check(session: Session) -> tuple[bool, str]:
        try:
            async with aiohttp.ClientSession() as client, client.get(session.readyz) as response:
                services = (await response.json())["services"]
        except aiohttp.ClientError as error:
            return False, f"{session.readyz}: {error}"
        if name not in services:
            raise ValueError(f"there is no service {name} (there is: {', '.join(services)})")
        return services[name]["state"] == state, f"{name} is {services[name]['state']}"

    return check


def described(player: Player) -> str:
    """A player in a line."""
    title = player.current.info.title if player.current else "nothing"
    return f"{'paused' if player.paused else 'playing'}: {title} at {player.position} ms, volume {player.volume}"


def player(state: str) -> Check:
    async def check(session: Session) -> tuple[bool, str]:
        current = session.player()
        if current is None:
            return state == "none", "no track"
        return state == ("paused" if current.paused else "playing"), described(current)

    return check


def position(place: Filter) -> Check:
    async def check(session: Session) -> tuple[bool, str]:
        current = session.player()
        if current is None:
            return False, "no track"
        return place.holds({"position": current.position}), described(current)

    return check
