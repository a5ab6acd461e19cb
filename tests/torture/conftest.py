"""How hard: `make test` runs every proof small, `make torture` (TORTURE=1) in full."""

from __future__ import annotations

import os
import random

import pytest

FULL = bool(os.environ.get("TORTURE"))


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """A seed of this run's; it is printed, and `TORTURE_SEED` gives it back."""
    chosen = int(os.environ.get("TORTURE_SEED") or random.randrange(2**32))
    print(f"TORTURE_SEED={chosen} {request.node.name}")
    return chosen
