"""`--write`: a row written, read back and deleted, as a bot with an empty disk would find its state again."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from uuid_utils import uuid7

from services.doctor.check import Finding, ok, wrong
from services.doctor.project import MIGRATIONS_CURE, Project, refused
from services.doctor.rest import Answer, Unreachable
from services.i18n import N_

_TABLE, _KEY = "bot_state", "key"
_NAME = "supabase.write"
_WRITING_SECONDS = 3.0
"""The deletion needs the rest of the check's time, whatever became of the writing."""
_DELETING_SECONDS = 1.8


async def probe(project: Project) -> list[Finding]:
    """The row's revision is 0, below every one of the bot's."""
    key = f"doctor-{uuid7()}"
    where = f"{_KEY}=eq.{key}"
    row: dict[str, object] = {_KEY: key, "value": {"written_by": "doctor"}, "revision": 0}
    finding: Finding | None = None
    try:
        async with asyncio.timeout(_WRITING_SECONDS):
            finding = refused(_NAME, project, await project.upsert(_TABLE, _KEY, tuple(row), [row]))
            finding = finding or _compared(row, await project.read(_TABLE, f"{where}&select={','.join(row)}"))
    except (TimeoutError, Unreachable):
        finding = _left(N_("Nobody knows whether the row was written: no answer came."), key)
    if not await _deleted(project, where) and finding is None:
        finding = _left(N_("The row was written, but could not be deleted."), key)
    return [finding or ok(_NAME, N_("A row was written, read back and deleted."))]


def _left(message: str, key: str) -> Finding:
    return wrong(_NAME, message, N_("Delete the row {key} from {table} by hand if it is there."), key=key, table=_TABLE)


async def _deleted(project: Project, where: str) -> bool:
    with suppress(TimeoutError, Unreachable):
        async with asyncio.timeout(_DELETING_SECONDS):
            return (await project.delete(_TABLE, where)).status < 300
    return False


def _compared(row: dict[str, object], answer: Answer) -> Finding | None:
    if answer.document == [row]:
        return None
    return wrong(_NAME, N_("The row that was written was not found again."), MIGRATIONS_CURE)
