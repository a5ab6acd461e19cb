"""The doctor on a project that is there, through what stands on the way or is not well for a moment."""

from __future__ import annotations

from collections.abc import Mapping

import aiohttp
import pytest

from sandbox.supabase import Supabase
from services.doctor.check import Finding
from services.doctor.clock import Clock
from services.doctor.rest import Answer, Rest
from services.doctor.supabase_check import supabase_findings
from services.settings import Settings
from tests.taciturn import taciturn


class Unwell(Rest):
    """Answers one function like this."""

    def __init__(self, http: aiohttp.ClientSession, function: str, answer: Answer) -> None:
        super().__init__(http, Clock())
        self._function = function
        self._said = answer

    async def ask(self, method: str, url: str, headers: Mapping[str, str] | None = None, body: object = None) -> Answer:
        if self._function in url:
            return self._said
        return await super().ask(method, url, headers, body)


async def wrong(rest: Rest, supabase: Supabase, url: str) -> list[Finding]:
    settings = Settings(discord_token="t", supabase_url=url, supabase_service_role_key=supabase.service_role_key)
    return [found for found in await supabase_findings(rest, settings, write=True) if found.state == "wrong"]


async def test_a_project_behind_a_proxy_that_drops_headers_is_well(supabase: Supabase) -> None:
    async with taciturn(supabase.url) as url, aiohttp.ClientSession() as http:
        assert await wrong(Rest(http, Clock()), supabase, url) == []
        await supabase.execute("drop table public.system_stats; drop function public.claim_commands")
        found = {(finding.name, finding.subject) for finding in await wrong(Rest(http, Clock()), supabase, url)}
    assert {("supabase.table", "system_stats"), ("supabase.function", "claim_commands")} <= found
    assert not any(name == "supabase.url" for name, _ in found)


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (503, "", "not well (503)"),
        (429, '{"message": "slow down"}', "not well (429)"),
        (402, "{}", "plan is full"),
        (404, '{"code": "PGRST202"}', "is missing"),
        (404, '{"code": "42883"}', "is missing"),
    ],
)
async def test_an_account_that_does_not_come_is_missing_only_where_that_is_said(
    supabase: Supabase, status: int, body: str, words: str
) -> None:
    async with aiohttp.ClientSession() as http:
        rest = Unwell(http, "schema_report", Answer(status, {}, body, 1))
        (finding,) = await wrong(rest, supabase, supabase.url)
    assert finding.name == "supabase.row_security"
    said = finding.message.replace("{status}", str(finding.values.get("status")))
    assert words in said
