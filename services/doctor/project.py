"""A Supabase project as PostgREST shows it, and what its refusals mean."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from services.doctor.check import Finding, wrong
from services.doctor.keys import SupabaseKey, ending, supabase_key
from services.doctor.rest import Answer, Rest, Unreachable
from services.i18n import N_
from services.settings import Settings

URL_CURE = N_(
    "Check the network and SUPABASE_URL, which is the Project URL from Supabase's API settings "
    "(https://….supabase.co); meanwhile the bot keeps its rows."
)
MIGRATIONS_CURE = N_("Apply the files of migrations/ in their order (Supabase's SQL editor will do).")
KEY_CURE = N_(
    "Copy the service_role key or a secret key (sb_secret_) of this project to SUPABASE_SERVICE_ROLE_KEY "
    "(Project Settings, API Keys)."
)

# docs.postgrest.org, Errors; older releases pass PostgreSQL's own codes on.
NO_TABLE = {"PGRST205", "42P01"}
NO_COLUMN = {"PGRST204", "42703"}
NO_FUNCTION = {"PGRST202", "42883"}
NO_RIGHT = "42501"
NO_UNIQUE_INDEX = "42P10"
READ_ONLY = "25006"
_MERGE = {"Prefer": "resolution=merge-duplicates,return=minimal"}


_GRANT_CURE = N_("Apply the files of migrations/ in their order: the one called access gives the rights.")


class Project:
    """Its tables and functions, asked with the key that the bot uses."""

    def __init__(self, rest: Rest, settings: Settings, url: str, key: str) -> None:
        self._rest = rest
        self.url = url
        self._base = f"{url}/rest/v1"
        self.shown_key = ending(key)
        self.key: SupabaseKey = supabase_key(key)
        self.variable = "SUPABASE_SERVICE_ROLE_KEY" if settings.supabase_service_role_key else "SUPABASE_ANON_KEY"
        self._headers = {"apikey": key, "Authorization": f"Bearer {key}"}
        self._is_proved = False

    @property
    def right_cure(self) -> str:
        """What gives the key a right that it lacks."""
        return _GRANT_CURE if self.key.role == "service_role" else KEY_CURE

    async def read(self, table: str, query: str) -> Answer:
        """`GET`; PostgREST carries it out in a transaction that cannot write."""
        return await self._ask("GET", f"/{table}?{query}")

    async def upsert(self, table: str, key: str, columns: tuple[str, ...], rows: list[Mapping[str, object]]) -> Answer:
        """The bot's own way to write."""
        path = f"/{table}?on_conflict={key}&columns={','.join(columns)}"
        return await self._ask("POST", path, rows, _MERGE)

    async def update_none(self, table: str, key: str, column: str) -> Answer:
        """An update of the rows without a key, of which there are none."""
        return await self._ask("PATCH", f"/{table}?{key}=is.null", {column: None})

    async def delete(self, table: str, query: str) -> Answer:
        """Delete the rows that match."""
        return await self._ask("DELETE", f"/{table}?{query}")

    async def call(self, function: str, arguments: Mapping[str, object]) -> Answer:
        """Call a function."""
        return await self._ask("POST", f"/rpc/{function}", arguments)

    async def _ask(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        answer = await self._answer(method, path, body, headers)
        # PostgREST gives every answer a range; whatever else says 200 or 204 has read and written nothing.
        if answer.status < 300 and "Content-Range" not in answer.headers and not await self._proves_itself():
            raise Unreachable(N_("What answers there is not Supabase ({status})."), status=answer.status)
        return answer

    async def _proves_itself(self) -> bool:
        """Whether it refuses a column that no table has with a code, which only PostgREST does: a proxy on the way
        may take the headers off, but not that."""
        if not self._is_proved:
            refusal = await self._answer("GET", "/system_stats?select=no_such_column&limit=0")
            self._is_proved = code_of(refusal) in {*NO_COLUMN, *NO_TABLE, NO_RIGHT}
        return self._is_proved

    async def _answer(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        answer = await self._rest.ask(method, self._base + path, self._headers | dict(headers or {}), body)
        if answer.redirects_to:
            raise Unreachable(N_("The address leads on to {host} instead of answering."), host=answer.redirects_to)
        if answer.is_page and answer.status < 500:
            raise Unreachable(
                N_("A web page answers there, not the API that belongs there ({status})."), status=answer.status
            )
        return answer


# PostgREST's own, or an SQLSTATE; other programs' JSON may have a `code` too.
_CODE = re.compile(r"PGRST[0-9A-Z]{3}|[0-9A-Z]{5}")


def code_of(answer: Answer) -> str:
    """PostgREST's or PostgreSQL's code of a refusal; empty where there is none."""
    document = answer.document
    if answer.status < 300 or not isinstance(document, dict):
        return ""
    code = str(cast(dict[str, Any], document).get("code") or "")
    return code if _CODE.fullmatch(code) else ""


def refusal(project: Project, answer: Answer) -> Finding | None:
    """What is wrong with the whole project, its key or its plan; None where the answer is about one table only."""
    code = code_of(answer)
    if answer.status < 300 or code == NO_RIGHT:
        return None
    if code == READ_ONLY or answer.status == 402:
        return wrong(
            "supabase.url",
            N_("Supabase takes no writes: the plan is full or the project is restricted."),
            N_("Make room, or take a larger plan; the bot keeps its rows until then and sends them."),
        )
    if answer.status in (401, 403):
        return wrong(
            "supabase.key",
            N_("Supabase refuses the key {key} ({variable})."),
            KEY_CURE,
            key=project.shown_key,
            variable=project.variable,
        )
    if answer.status >= 500 or answer.status in (408, 425, 429):
        return wrong(
            "supabase.url",
            N_("Supabase is not well ({status})."),
            N_("Wait, or wake a paused project in Supabase's dashboard; the bot keeps its rows and sends them."),
            status=answer.status,
        )
    if not code:
        return wrong(
            "supabase.url", N_("What answers there is not Supabase ({status})."), URL_CURE, status=answer.status
        )
    return None


def refused(name: str, project: Project, answer: Answer, subject: str = "") -> Finding | None:
    """The finding `name` where the request did not work; None where it did."""
    if answer.status < 300:
        return None
    if (fault := refusal(project, answer)) is not None:
        return replace(fault, name=name, subject=subject)
    code = code_of(answer) or answer.status
    return wrong(name, N_("The database refuses it ({code})."), MIGRATIONS_CURE, subject, code=code)
