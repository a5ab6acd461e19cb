"""Behind a proxy that takes PostgREST's headers off."""

from __future__ import annotations

from sandbox.supabase import Supabase
from services.recorder import Recorder
from services.replication import Replicator
from services.store import Store
from tests.samples import play, session
from tests.services.replication.drained import drained
from tests.taciturn import taciturn


async def test_what_was_written_is_read_back_there_and_all_is_delivered(store: Store, supabase: Supabase) -> None:
    async with (
        taciturn(supabase.url) as url,
        Replicator(store, url, supabase.service_role_key) as replicator,
    ):
        recorder = Recorder(store)
        recorder.record(play())
        recorder.record(session("5"))
        await drained(store)
        assert replicator.paused == []
    assert len(await supabase.rows("active_sessions")) == len(await supabase.rows("music_history")) == 1
