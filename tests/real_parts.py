"""Tests that need the real PostgreSQL and PostgREST skip where these are missing, or fail if told to."""

from __future__ import annotations

import os

import pytest

from sandbox.supabase import INSTALL, missing_real_parts, pg_cron_library

MIGRATED = "migrated"
"""The database that tests take copies of."""


def require_real_parts() -> None:
    """Skip the test with the command that installs PostgreSQL and PostgREST; with REQUIRE_REAL=1 fail."""
    require("PostgreSQL or PostgREST", missing_real_parts())


def require_pg_cron() -> None:
    """The same for the real pg_cron, beside the other two."""
    require_real_parts()
    require("pg_cron", None if pg_cron_library() else INSTALL)


def require(part: str, command: str | None) -> None:
    """Skip the test with the `command` that installs `part`; with REQUIRE_REAL=1 fail. None: it is there."""
    if command is None:
        return
    message = f"{part} is missing; `{command}` installs it"
    if os.environ.get("REQUIRE_REAL") == "1":
        pytest.fail(message)
    pytest.skip(message)
