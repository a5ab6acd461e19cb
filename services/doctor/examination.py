"""All checks together, each service beside the others."""

from __future__ import annotations

import asyncio
import sys
from io import TextIOWrapper
from typing import cast

import aiohttp

from services.command_line import Examine
from services.doctor.check import Check, Finding, ok, run, wrong
from services.doctor.clock import Clock
from services.doctor.clock_check import clock_findings
from services.doctor.discord_check import Wanted, discord_findings
from services.doctor.gemini_check import gemini_findings
from services.doctor.lavalink_check import lavalink_findings
from services.doctor.report import Report
from services.doctor.rest import Rest, host_of
from services.doctor.set_aside import mark_for_retry
from services.doctor.store_check import store_findings
from services.doctor.supabase_check import supabase_findings
from services.i18n import N_
from services.logs import Redactor
from services.settings import Settings, SettingsError, load_settings, operator_locale

_SETTINGS_CURE = N_("Correct it in the environment or in .env; .env.example explains every setting.")
_STORE_CURE = N_("Look again when less is going on.")


def examine(order: Examine, *, intents: int, permissions: int) -> int:
    """Look at everything, print the report, and return the exit code: 0, 1 something is wrong, 2 wrong settings.

    Args:
        intents, permissions: what the bot asks of Discord, as Discord's numbers.
    """
    try:
        settings = load_settings()
    except SettingsError as error:
        findings = [
            wrong("settings", N_("{setting} {fault}."), _SETTINGS_CURE, name, setting=name, fault=fault)
            for name, fault in error.faults.items()
        ]
        report = Report(findings, operator_locale(), Redactor(()))
    else:
        findings = asyncio.run(_examine(order, settings, Wanted(intents, permissions)))
        report = Report(findings, settings.default_locale, Redactor(settings.secrets))
    # A terminal that does not know ✓ shall not end in a traceback.
    cast(TextIOWrapper, sys.stdout).reconfigure(errors="replace")
    print(report.json() if order.json else report.text())
    return report.exit_code


async def _examine(order: Examine, settings: Settings, wanted: Wanted) -> list[Finding]:
    """The services side by side; each has one round or two, of at most 5 s each."""
    clock = Clock()
    retried = await mark_for_retry(settings.data_dir) if order.retry_set_aside else []
    async with aiohttp.ClientSession() as http:
        rest = Rest(http, clock)
        retrying = any(finding.state == "ok" for finding in retried)
        found = await asyncio.gather(
            discord_findings(rest, settings, wanted),
            lavalink_findings(rest, settings),
            gemini_findings(settings),
            supabase_findings(rest, settings, write=order.write),
            run(Check("store.file", lambda: store_findings(settings.data_dir, retrying), _STORE_CURE)),
        )
    timekeepers = {host_of(url) for url in (settings.discord_api_url, settings.supabase_url) if url}
    return [
        _settings(settings),
        *(finding for findings in found for finding in findings),
        *retried,
        *clock_findings(clock, timekeepers),
    ]


def _settings(settings: Settings) -> Finding:
    given = sorted(name.upper() for name in settings.model_fields_set)
    return ok("settings", N_("Nothing is wrong with them; set are {names}."), names=", ".join(given))
