"""One check and what it finds; every check has a time-out of its own and runs beside the others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from services.doctor.rest import Unreachable
from services.i18n import N_

SECONDS = 5.0

State = Literal["ok", "off", "wrong"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; `message` and `cure` are message ids whose fields `values` fills."""

    name: str
    """What was looked at, such as `discord.token`: stable, for programs."""
    state: State
    message: str
    cure: str | None = None
    subject: str = ""
    """Which of several: a node, a model, a table, a variable."""
    values: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True)
class Check:
    """Something to look at. `examine` may raise `Unreachable`; `cure` is then what helps, and for a time-out too."""

    name: str
    examine: Callable[[], Awaitable[list[Finding]]]
    cure: str
    subject: str = ""


def ok(name: str, message: str, subject: str = "", /, **values: object) -> Finding:
    """It is as it should be."""
    return Finding(name, "ok", message, None, subject, values)


def off(name: str, message: str, subject: str = "", /, **values: object) -> Finding:
    """It is not set up, and that is a choice."""
    return Finding(name, "off", message, None, subject, values)


def wrong(name: str, message: str, cure: str, subject: str = "", /, **values: object) -> Finding:
    """Somebody has to do something."""
    return Finding(name, "wrong", message, cure, subject, values)


async def run(check: Check) -> list[Finding]:
    """What the check finds; it never takes longer than `SECONDS`."""
    try:
        async with asyncio.timeout(SECONDS):
            return await check.examine()
    except TimeoutError:
        return [
            wrong(check.name, N_("No answer came within {seconds:g} s."), check.cure, check.subject, seconds=SECONDS)
        ]
    except Unreachable as error:
        return [Finding(check.name, "wrong", error.message, check.cure, check.subject, error.values)]
    except Exception as error:  # noqa: BLE001 - whatever a stranger's answer breaks, the other lines are still wanted
        return [
            wrong(
                check.name,
                N_("The answer makes no sense ({error})."),
                check.cure,
                check.subject,
                error=type(error).__name__,
            )
        ]


async def run_all(checks: Iterable[Check]) -> list[Finding]:
    """What the checks find, side by side, in their order."""
    found = await asyncio.gather(*(run(check) for check in checks))
    return [finding for findings in found for finding in findings]
