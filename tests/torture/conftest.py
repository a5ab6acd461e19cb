"""How hard: `make test` runs every proof small, `make torture` (TORTURE=1) in full, with a table at the end."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.conftest import project, quiet_town
from tests.migrations.conftest import connect, database

__all__ = ["connect", "database", "project", "quiet_town"]

FULL = bool(os.environ.get("TORTURE"))


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """A seed of this run's; it is printed, and `TORTURE_SEED` gives it back."""
    chosen = int(os.environ.get("TORTURE_SEED") or random.randrange(2**32))
    print(f"TORTURE_SEED={chosen} {request.node.name}")
    return chosen


@pytest.fixture
def shown(record_property: Callable[[str, object], None]) -> Callable[..., None]:
    """Called with what a proof has gone through and what came of it, for the table."""

    def show(**figures: object) -> None:
        for name, value in figures.items():
            record_property(name.replace("_", " "), value)

    return show


def pytest_terminal_summary(terminalreporter: Any) -> None:
    rows = [
        (report.nodeid.rpartition("::")[2], ", ".join(f"{value} {name}" for name, value in report.user_properties))
        for report in terminalreporter.stats.get("passed", [])
        if report.user_properties and "torture" in report.nodeid
    ]
    if not rows:
        return
    terminalreporter.section("what was gone through")
    width = max(len(name) for name, _ in rows)
    for name, figures in sorted(rows):
        terminalreporter.line(f"{name:<{width}}  {figures}")
