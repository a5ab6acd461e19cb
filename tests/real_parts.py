"""Tests that need the real PostgreSQL and PostgREST skip where these are missing, or fail if told to."""

from __future__ import annotations

import os

import pytest

from sandbox.supabase import missing_real_parts

MIGRATED = "migrated"
"""The database that tests take copies of."""


def require_real_parts() -> None:
    """Skip the test with the command that installs what is missing; with REQUIRE_REAL=1 fail."""
    command = missing_real_parts()
    if command is None:
        return
    message = f"PostgreSQL or PostgREST is missing; `{command}` installs them"
    if os.environ.get("REQUIRE_REAL") == "1":
        pytest.fail(message)
    pytest.skip(message)
