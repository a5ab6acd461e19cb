"""Supabase: the address, the key, every table and function, row level security and Realtime."""

from __future__ import annotations

import time
from typing import Any, cast
from urllib.parse import urlsplit

from services.doctor.check import Check, Finding, off, ok, run, run_all, wrong
from services.doctor.project import (
    KEY_CURE,
    MIGRATIONS_CURE,
    NO_FUNCTION,
    NO_RIGHT,
    URL_CURE,
    Project,
    code_of,
    refusal,
    refused,
)
from services.doctor.remote_schema import FUNCTIONS, JOBS, LISTENED, REMOTE_TABLES, UNLISTENED
from services.doctor.rest import Rest, host_of
from services.doctor.supabase_probe import probe
from services.doctor.supabase_tables import FUNCTION, TABLE, function_findings, table_findings
from services.i18n import N_
from services.settings import Settings

_SECURITY, _REALTIME, _UPKEEP = "supabase.row_security", "supabase.realtime", "supabase.upkeep"
_REPORT = "schema_report"
"""The database's own account of what PostgREST does not show."""
# No table can be taken out of a publication of all tables, or of a schema's.
_BY_NAME = {
    "database": "drop publication supabase_realtime; create publication supabase_realtime;",
    "schema": "alter publication supabase_realtime drop tables in schema public;",
}
"""The SQL after which the migrations can publish by name, by what is published whole."""

_OWNER_CURE = N_(
    "The publication belongs to {has}: as that role or a superuser run `alter publication supabase_realtime owner to "
    "{needs};`, then the file of migrations/ called access once more."
)


async def supabase_findings(rest: Rest, settings: Settings, *, write: bool) -> list[Finding]:
    """First the address and the key; only behind them is there anything else to see."""
    if not settings.supabase_url or not settings.supabase_key:
        return [off("supabase.url", N_("Off: SUPABASE_URL is not set; everything is kept in the local store alone."))]
    project = Project(rest, settings, settings.supabase_url, settings.supabase_key)
    found = await run(Check("supabase.url", lambda: _reach(project), URL_CURE))
    if len(found) == 1:
        return found  # the fault
    checks = [
        Check(TABLE, lambda table=table: table_findings(project, table), URL_CURE, table.name)
        for table in REMOTE_TABLES
    ]
    checks += [
        Check(
            FUNCTION,
            lambda function=function: function_findings(project, function),
            URL_CURE,
            function.name,
        )
        for function in FUNCTIONS
    ]
    checks.append(Check(_SECURITY, lambda: _report(project), URL_CURE))
    if write:
        checks.append(Check("supabase.write", lambda: probe(project), URL_CURE))
    return found + await run_all(checks)


async def _reach(project: Project) -> list[Finding]:
    answer = await project.read(REMOTE_TABLES[0].name, "select=revision&limit=0")
    key = key_finding(project)
    if (fault := refusal(project, answer)) is not None:
        # Where the key itself shows why it is refused, that is the better sentence.
        return [key if fault.name == key.name and key.state == "wrong" else fault]
    reached = ok("supabase.url", N_("{host} answers in {ms} ms."), host=host_of(project.url), ms=answer.ms)
    return [reached, key]


def key_finding(project: Project) -> Finding:
    """What the key says of itself: of which project, until when, and whether it may write."""
    values = {"key": project.shown_key, "kind": project.key.kind, "variable": project.variable}
    host = urlsplit(project.url).hostname or ""
    if project.key.project and host.endswith(".supabase.co") and host != f"{project.key.project}.supabase.co":
        return wrong("supabase.key", N_("The key {key} ({kind}) is that of another project."), KEY_CURE, **values)
    if project.key.expires is not None and project.key.expires < time.time():
        return wrong("supabase.key", N_("The key {key} ({kind}) has expired."), KEY_CURE, **values)
    if project.key.role == "anon":
        return wrong(
            "supabase.key",
            N_(
                "The key {key} in {variable} is a public one ({kind}): row level security refuses what the bot writes, "
                "and the rows wait in the local store."
            ),
            KEY_CURE,
            **values,
        )
    return ok("supabase.key", N_("The key {key} is accepted; its kind is {kind}."), **values)


async def _report(project: Project) -> list[Finding]:
    """Row level security and the publication are nothing that PostgREST shows by itself."""
    answer = await project.read(f"rpc/{_REPORT}", "")
    document = answer.document
    if code_of(answer) == NO_RIGHT:
        return [wrong(_SECURITY, N_("The key may not see row level security and Realtime."), project.right_cure)]
    missing = code_of(answer) in NO_FUNCTION
    if not missing and (fault := refused(_SECURITY, project, answer)) is not None:
        return [fault]
    if missing or not isinstance(document, dict):
        unseen = N_("Row level security and Realtime cannot be seen: the function {function} is missing.")
        return [wrong(_SECURITY, unseen, MIGRATIONS_CURE, function=_REPORT)]
    report = cast(dict[str, Any], document)
    return [_row_security(report), _realtime(report), _upkeep(report)]


def _row_security(report: dict[str, Any]) -> Finding:
    enabled: dict[str, bool] = report.get("row_security", {})
    unprotected = sorted(name for name, on in enabled.items() if not on)
    if unprotected:
        return wrong(
            _SECURITY,
            N_("Row level security is off for {tables}."),
            MIGRATIONS_CURE,
            tables=", ".join(unprotected),
        )
    return ok(_SECURITY, N_("Row level security is on for all {count} tables."), count=len(enabled))


def _realtime(report: dict[str, Any]) -> Finding:
    published: list[str] | None = report.get("realtime")
    if published is None:
        return off(_REALTIME, N_("Realtime is off: the database has no publication supabase_realtime."))
    missing = [name for name in LISTENED if name not in published]
    surplus = [name for name in UNLISTENED if name in published]
    owner: dict[str, str] | None = report.get("realtime_owner")
    cure, roles = (MIGRATIONS_CURE, {}) if owner is None else (_OWNER_CURE, owner)
    if missing:
        return wrong(_REALTIME, N_("Realtime does not publish {tables}."), cure, tables=", ".join(missing), **roles)
    if surplus and (whole := report.get("realtime_whole")) in _BY_NAME:
        return _whole(whole, surplus)
    if surplus:
        return wrong(
            _REALTIME,
            N_("Realtime publishes {tables}, which is the bot's own bookkeeping."),
            cure,
            tables=", ".join(surplus),
            **roles,
        )
    return ok(_REALTIME, N_("Realtime publishes all {count} tables of the dashboards."), count=len(LISTENED))


def _whole(whole: str, surplus: list[str]) -> Finding:
    said = {
        "database": N_("Realtime publishes every table of the database, {tables} of the bot's bookkeeping too."),
        "schema": N_("Realtime publishes every table of the schema public, {tables} of the bot's bookkeeping too."),
    }
    cure = N_(
        "In Supabase's SQL editor, run `{sql}`, then the file of migrations/ called access once more; another "
        "program's tables that are listened to have to be published by name again."
    )
    return wrong(_REALTIME, said[whole], cure, tables=", ".join(surplus), sql=_BY_NAME[whole])


def _upkeep(report: dict[str, Any]) -> Finding:
    jobs: list[str] | None = report.get("upkeep")
    if jobs is None:
        return off(_UPKEEP, N_("Nothing removes old rows and the sessions of a dead bot: pg_cron is not switched on."))
    if missing := [name for name in JOBS if name not in jobs]:
        cure = N_("Apply the file of migrations/ called upkeep once more.")
        return wrong(_UPKEEP, N_("pg_cron does not run {jobs}."), cure, jobs=", ".join(missing))
    return ok(_UPKEEP, N_("pg_cron removes old rows and the sessions of a dead bot."))
