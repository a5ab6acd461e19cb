"""What waited in a file that was damaged is lost; what can be known again without it is made good."""

from __future__ import annotations

import asyncio

import pytest

from sandbox.supabase import Supabase
from services.recorder import Recorder
from services.replication import Replicator
from services.store import Store
from tests.damage import damage
from tests.samples import entry, session
from tests.services.replication.drained import drained


async def test_a_session_whose_deletion_waited_in_a_damaged_file_is_removed(
    store: Store, supabase: Supabase, replicator: Replicator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.replication.restoration.LOOK_SECONDS", 0.05)
    monkeypatch.setattr("services.store.writer.RETRY_SECONDS", 0.05)
    live = {"5", "6"}
    replicator.reconcile("1", owns=lambda _: True, joined=lambda _: True, live=lambda: live, begun=lambda: {"5", "6"})
    recorder = Recorder(store)
    for guild_id in live:
        recorder.record(session(guild_id))
    await drained(store)
    assert len(await supabase.rows("active_sessions")) == 2
    await supabase.down()
    live.remove("5")
    recorder.close_session("5")
    await store.commit(lambda _: None)
    damage(store.path)
    recorder.record(entry())
    async with asyncio.timeout(10):
        while store.files_begun == 1:
            await asyncio.sleep(0.01)
    await supabase.up()
    async with asyncio.timeout(10):
        while [row["guild_id"] for row in await supabase.rows("active_sessions")] != ["6"]:
            await asyncio.sleep(0.02)
