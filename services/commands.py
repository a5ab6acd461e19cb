"""Commands that a dashboard gives: what a row of `command_queue` asks for, or why it asks for nothing.

The rows come from strangers: whoever may insert them may write anything into them.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from services.errors import UserError
from services.i18n import N_

Plain = Literal["pause", "resume", "skip", "stop"]

PLAIN: tuple[Plain, ...] = get_args(Plain)
KNOWN = (*PLAIN, "seek", "volume")
_GUILD = re.compile(r"[1-9][0-9]{0,19}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Seek:
    """Go to `position_ms` in the current track."""

    position_ms: int


@dataclass(frozen=True, slots=True)
class Volume:
    """Set the volume to `level` percent."""

    level: int


@dataclass(frozen=True, slots=True)
class Order:
    """What is wanted of the guild's player."""

    guild_id: str
    wish: Plain | Seek | Volume


@dataclass(frozen=True, slots=True)
class QueuedCommand:
    """A row of `command_queue` as it was claimed."""

    id: str
    command: object
    payload: object
    age_s: float
    """How long it had been waiting by the database's clock."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a command: carried out, or why not."""

    id: str
    error: str | None = None

    @classmethod
    def of_fault(cls, command_id: str, fault: UserError) -> Outcome:
        """The command failed with `fault`, told in both languages: nobody knows who reads the dashboard."""
        return cls(command_id, f"{fault.text('en')} / {fault.text('ja')}")


CarryOut = Callable[[Order], Awaitable[None]]
"""Carries an order out; raises a `UserError` where that cannot be done."""


class BadCommand(UserError):
    """The row asks for nothing that could be done."""


def read_order(command: object, payload: object) -> Order:
    """What a row with this `command` and `payload` (any JSON) asks for.

    Raises:
        BadCommand: nothing that could be done.
    """
    if not isinstance(payload, dict):
        raise BadCommand(N_("The payload must be an object such as {example}."), example='{"guild_id": "123"}')
    fields = cast(dict[str, Any], payload)
    guild_id: object = fields.get("guild_id")
    # A number would have been rounded by JavaScript before it came here.
    if not isinstance(guild_id, str) or not _GUILD.fullmatch(guild_id):
        raise BadCommand(N_("{field} must be the server's id, as text."), field="guild_id")
    return Order(guild_id, _wish(command, fields))


def _wish(command: object, fields: dict[str, Any]) -> Plain | Seek | Volume:
    for plain in PLAIN:
        if command == plain:
            return plain
    if command == "seek":
        return Seek(_whole(fields, "position_ms"))
    if command == "volume":
        return Volume(_whole(fields, "level"))
    raise BadCommand(N_("There is no such command. Known are: {commands}."), commands=", ".join(KNOWN))


def _whole(fields: dict[str, Any], name: str) -> int:
    value: object = fields.get(name)
    # To Python, true is a 1.
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise BadCommand(N_("{field} must be a whole number, 0 or more."), field=name)
    return value
