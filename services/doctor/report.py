"""The report: one line a finding for people, JSON for programs, and the exit code."""

from __future__ import annotations

import json
from collections.abc import Iterable

from services.doctor.check import Finding, State
from services.i18n import N_, Locale, say
from services.logs import Redactor

EXIT_WELL, EXIT_WRONG, EXIT_SETTINGS = 0, 1, 2

_MARKS: dict[State, str] = {"ok": "✓", "off": "✓", "wrong": "✗"}
_TITLES = {
    "settings": N_("Settings"),
    "discord": N_("Discord"),
    "lavalink": N_("Music"),
    "gemini": N_("Chat"),
    "supabase": N_("Supabase"),
    "store": N_("Local store"),
    "clock": N_("Clock"),
}
_LONGEST_VALUE = 500


class Report:
    """What was found, ready to be shown; no secret that `redactor` knows is in it."""

    def __init__(self, findings: Iterable[Finding], locale: Locale, redactor: Redactor) -> None:
        self._findings = list(findings)
        self._locale: Locale = locale
        self._redactor = redactor

    @property
    def exit_code(self) -> int:
        """0 all is well, 1 something is wrong, 2 the settings are."""
        faults = [finding.name for finding in self._findings if finding.state == "wrong"]
        return EXIT_SETTINGS if "settings" in faults else EXIT_WRONG if faults else EXIT_WELL

    def text(self) -> str:
        """One line a finding, with its mark and what cures it."""
        return "\n".join(self._line(finding) for finding in self._findings)

    def json(self) -> str:
        """`{"exit_code", "findings": [{"name", "subject", "state", "message", "cure"}]}`."""
        findings = [
            {
                "name": finding.name,
                "subject": self._shown(finding.subject),
                "state": finding.state,
                "message": self._say(finding.message, finding),
                "cure": None if finding.cure is None else self._say(finding.cure, finding),
            }
            for finding in self._findings
        ]
        return json.dumps({"exit_code": self.exit_code, "findings": findings}, ensure_ascii=False, indent=2)

    def _line(self, finding: Finding) -> str:
        title = say(self._locale, _TITLES[finding.name.partition(".")[0]])
        subject = f" {self._shown(finding.subject)}" if finding.subject else ""
        cure = "" if finding.cure is None else f" {self._say(finding.cure, finding)}"
        return f"{_MARKS[finding.state]} {title}{subject}: {self._say(finding.message, finding)}{cure}"

    def _say(self, message: str, finding: Finding) -> str:
        # Names and causes come from strangers: a terminal must not act on them, and they may echo a secret.
        values = {
            name: self._shown(str(value)) if not isinstance(value, int | float) else value
            for name, value in finding.values.items()
        }
        return say(self._locale, message, **values)

    def _shown(self, text: str) -> str:
        cleaned = self._redactor.clean(" ".join(text.split()))
        return "".join(letter if letter.isprintable() else "?" for letter in cleaned)[:_LONGEST_VALUE]
