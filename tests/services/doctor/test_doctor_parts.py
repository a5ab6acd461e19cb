"""The doctor's small parts: keys, clocks, and lines that a terminal may be given."""

from __future__ import annotations

import base64
import json
from email.utils import formatdate

import aiohttp
import pytest

from services.doctor.check import SECONDS, Check, Finding, run, run_all, wrong
from services.doctor.clock import Clock
from services.doctor.clock_check import clock_findings
from services.doctor.keys import SupabaseKey, ending, supabase_key
from services.doctor.project import Project
from services.doctor.report import Report
from services.doctor.rest import Rest
from services.doctor.supabase_check import key_finding
from services.logs import Redactor
from services.settings import Settings

NOW = 1_795_000_000.0


def jwt(claims: object) -> str:
    encoded = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"e30.{encoded}.c2ln"


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("sb_secret_abc", SupabaseKey("sb_secret_", "service_role")),
        ("sb_publishable_abc", SupabaseKey("sb_publishable_", "anon")),
        (jwt({"role": "anon", "exp": 5, "ref": "abc"}), SupabaseKey("anon", "anon", 5.0, "abc")),
        (jwt({"role": "service_role"}), SupabaseKey("service_role", "service_role")),
        (jwt({"role": "authenticated"}), SupabaseKey("authenticated", "other")),
        (jwt({"role": ["x"], "exp": "soon", "ref": 1}), SupabaseKey("?", "other")),
        (jwt([1]), SupabaseKey("?", "other")),
        ("a.b", SupabaseKey("?", "other")),
        ("e30.%%%.c", SupabaseKey("?", "other")),
        ("e30.é.c", SupabaseKey("?", "other")),
    ],
)
def test_a_supabase_key_says_what_it_is(key: str, kind: SupabaseKey) -> None:
    assert supabase_key(key) == kind


async def test_a_key_of_another_project_is_known_by_its_reference() -> None:
    async with aiohttp.ClientSession() as http:
        for url, fits in (
            ("https://abc.supabase.co", True),
            ("https://xyz.supabase.co", False),
            ("https://db.example", True),
        ):
            key = jwt({"role": "service_role", "ref": "abc"})
            settings = Settings(discord_token="t", supabase_url=url, supabase_service_role_key=key)
            found = key_finding(Project(Rest(http, Clock()), settings, url, key))
            assert (found.state == "ok") is fits


def test_an_ending_never_gives_half_of_a_secret_away() -> None:
    assert ending("sandbox-token") == "…oken"
    assert ending("1234567") == "…"


@pytest.mark.parametrize(
    ("ahead", "state"), [(0, "ok"), (25, "ok"), (-25, "ok"), (40, "wrong"), (-40, "wrong"), (3_600, "wrong")]
)
def test_a_clock_may_be_off_by_half_a_minute(ahead: float, state: str) -> None:
    clock = Clock()
    clock.note("discord", formatdate(NOW - ahead, usegmt=True), NOW, NOW + 4)
    clock.note("page", formatdate(NOW - 86_400, usegmt=True), NOW, NOW)
    clock.note("other", "yesterday", NOW, NOW)
    assert [finding.state for finding in clock_findings(clock, {"discord", "other"})] == [state]


def test_a_slow_answer_does_not_make_a_clock_wrong() -> None:
    clock = Clock()
    clock.note("discord", formatdate(NOW + 2, usegmt=True), NOW, NOW + 4)
    assert clock.ahead == {"discord": 0.0}
    assert clock_findings(Clock(), {"discord"}) == []


def test_a_strangers_words_are_harmless_on_a_terminal() -> None:
    finding = wrong(
        "store.set_aside", "{cause}", "{cause}", "a\nb", cause="\x1b[2J a secret-1234 \u202e{x}" + "y" * 9_000
    )
    report = Report([finding], "en", Redactor(["secret-1234"]))
    for text in (report.text(), report.json()):
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "secret-1234" not in text
        assert len(text) < 3_000
    assert len(report.text().splitlines()) == 1


async def test_a_check_that_breaks_takes_no_other_along() -> None:
    async def broken() -> list[Finding]:
        raise KeyError("no such thing")

    async def well() -> list[Finding]:
        return [Finding("clock", "ok", "")]

    found = await run_all([Check("store.file", broken, "cure"), Check("clock", well, "")])
    assert [(finding.name, finding.state) for finding in found] == [("store.file", "wrong"), ("clock", "ok")]


async def test_a_check_has_its_time_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    async def endless() -> list[Finding]:
        await asyncio.Event().wait()
        return []

    assert SECONDS == 5
    monkeypatch.setattr("services.doctor.check.SECONDS", 0.01)
    (found,) = await run(Check("store.file", endless, "cure"))
    assert (found.state, found.cure) == ("wrong", "cure")
