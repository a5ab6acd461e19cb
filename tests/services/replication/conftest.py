from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox.supabase import Supabase
from services.replication import Replicator
from services.store import Store


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same waits, shorter."""
    monkeypatch.setattr("services.replication.lane.GATHER_SECONDS", 0.02)
    monkeypatch.setattr("services.replication.lane.PAUSED_RETRY_SECONDS", 0.1)
    monkeypatch.setattr("services.replication.replicator.PAUSED_RETRY_SECONDS", 0.1)
    monkeypatch.setattr("services.replication.retry.LOOK_SECONDS", 0.1)
    monkeypatch.setattr("services.replication.backoff.FIRST", 0.05)
    monkeypatch.setattr("services.replication.backoff.LONGEST", 0.2)


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with Store(tmp_path) as opened:
        yield opened


@pytest_asyncio.fixture
async def replicator(store: Store, supabase: Supabase) -> AsyncIterator[Replicator]:
    async with Replicator(store, supabase.url, supabase.service_role_key) as running:
        yield running
