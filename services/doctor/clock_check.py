"""Whether this machine's clock is right."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from services.doctor.check import Finding, ok, wrong
from services.doctor.clock import Clock
from services.i18n import N_

_TOLERATED = 30.0
"""Seconds: Supabase takes a key's times no more exactly than this."""
_CURE = N_("Set the clock that is wrong; time synchronisation (NTP) keeps it right.")


def clock_findings(clock: Clock, trusted: Collection[str]) -> list[Finding]:
    """Against the hosts that keep time themselves; nothing where none of them has answered."""
    ahead = {host: seconds for host, seconds in clock.ahead.items() if host in trusted}
    off = {host: seconds for host, seconds in ahead.items() if abs(seconds) > _TOLERATED}
    if not off:
        return [ok("clock", N_("It agrees with {hosts}."), hosts=", ".join(ahead))] if ahead else []
    return [
        wrong(
            "clock",
            N_("It is {difference} (h:mm:ss) ahead of the clock of {host}.")
            if seconds > 0
            else N_("It is {difference} (h:mm:ss) behind the clock of {host}."),
            _CURE,
            host,
            host=host,
            difference=timedelta(seconds=round(abs(seconds))),
        )
        for host, seconds in off.items()
    ]
