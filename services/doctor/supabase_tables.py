"""One table or function of the database: is all of it there, and may the key do what the bot does with it."""

from __future__ import annotations

import asyncio
from urllib.parse import urlencode

from services.doctor.check import Finding, ok, wrong
from services.doctor.project import (
    MIGRATIONS_CURE,
    NO_COLUMN,
    NO_FUNCTION,
    NO_RIGHT,
    NO_TABLE,
    NO_UNIQUE_INDEX,
    READ_ONLY,
    Project,
    code_of,
    refused,
)
from services.doctor.remote_schema import RemoteFunction, RemoteTable
from services.i18n import N_

TABLE, FUNCTION = "supabase.table", "supabase.function"


async def table_findings(project: Project, table: RemoteTable) -> list[Finding]:
    """Its columns by a read of no rows; its rights by a write of no rows, which is refused as one of many would be."""
    answer = await project.read(table.name, f"select={','.join(table.columns)}&limit=0")
    code = code_of(answer)
    if code in NO_TABLE:
        return [wrong(TABLE, N_("The table is missing."), MIGRATIONS_CURE, table.name)]
    if code in NO_COLUMN:
        return [await _columns(project, table)]
    if code == NO_RIGHT:
        return [wrong(TABLE, N_("The key may not read the table."), project.right_cure, table.name)]
    if (fault := refused(TABLE, project, answer, table.name)) is not None:
        return [fault]
    return [await _writing(project, table)]


async def function_findings(project: Project, function: RemoteFunction) -> list[Finding]:
    """Whether it is there and may be called, by a call that has nothing to do or cannot do it."""
    name = function.name
    if function.acts:
        # PostgreSQL looks whether the function may be called before it stops what the function would write.
        answer = await project.read(f"rpc/{name}", urlencode(function.arguments))
    else:
        answer = await project.call(name, function.arguments)
    code = code_of(answer)
    if function.acts and code == READ_ONLY:
        return [ok(FUNCTION, N_("The function can be called."), name)]
    if code in NO_FUNCTION:
        return [wrong(FUNCTION, N_("The function is missing."), MIGRATIONS_CURE, name)]
    if code == NO_RIGHT:
        # PostgreSQL names what it is about at the end: "permission denied for table active_sessions".
        thing = str(answer.document.get("message")).rpartition(" ")[2]
        message = N_("The key may not call the function, or lacks a right to {thing}.")
        return [wrong(FUNCTION, message, project.right_cure, name, thing=thing)]
    return [refused(FUNCTION, project, answer, name) or ok(FUNCTION, N_("The function can be called."), name)]


async def _writing(project: Project, table: RemoteTable) -> Finding:
    if table.writes == "never":
        return ok(
            TABLE, N_("All {count} columns are there, and they can be read."), table.name, count=len(table.columns)
        )
    if table.writes == "update":
        answer = await project.update_none(table.name, table.key, "status")
    else:
        answer = await project.upsert(table.name, table.key, table.columns, [])
    code = code_of(answer)
    if code == NO_RIGHT:
        return wrong(TABLE, N_("The key may read the table, but not write it."), project.right_cure, table.name)
    if code == NO_UNIQUE_INDEX:
        return wrong(
            TABLE, N_("The unique index of {column} is missing."), MIGRATIONS_CURE, table.name, column=table.key
        )
    return refused(TABLE, project, answer, table.name) or ok(
        TABLE,
        N_("All {count} columns are there, and they can be read and written."),
        table.name,
        count=len(table.columns),
    )


async def _columns(project: Project, table: RemoteTable) -> Finding:
    """PostgREST names one missing column at a time: each is asked for by itself."""
    answers = await asyncio.gather(*(project.read(table.name, f"select={column}&limit=0") for column in table.columns))
    missing = [column for column, answer in zip(table.columns, answers, strict=True) if code_of(answer) in NO_COLUMN]
    columns = ", ".join(missing)
    if set(missing) & set(table.fixed):
        return wrong(
            TABLE,
            N_("The table seems to be another program's: it lacks {columns}."),
            N_("Use a Supabase project of its own for the bot, and apply the files of migrations/ there."),
            table.name,
            columns=columns,
        )
    return wrong(TABLE, N_("The table lacks {columns}."), MIGRATIONS_CURE, table.name, columns=columns)
