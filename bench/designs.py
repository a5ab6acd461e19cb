"""The two designs that are compared: B0, which sends from the handler, and this bot's."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
from supabase import create_client

from services.recorder import Recorder
from services.replication import Replicator
from services.store import Store
from services.store.tables import TABLE_OF
from tests.samples import play, session

Handler = Callable[[], None]
NAIVE_EVERY_S = 5.0
"""So often B0 sends every guild's session."""


@asynccontextmanager
async def naive(url: str) -> AsyncGenerator[Handler]:
    """B0: the synchronous client, one request an event, in the handler."""
    client: Any = create_client(url, "key")
    columns = ("guild_id", "track_title", "track_url", "duration_ms", "requested_by")

    def handle() -> None:
        row = play()
        client.table("music_history").insert({name: getattr(row, name) for name in columns}).execute()

    yield handle


@asynccontextmanager
async def naive_sessions(url: str) -> AsyncGenerator[Callable[[str], None]]:
    """B0's loop of sessions: an upsert a guild, one after the other."""
    client: Any = create_client(url, "key")

    def update(guild_id: str) -> None:
        row = session(guild_id)
        columns = ("guild_id", "track_title", "position_ms", "duration_ms", "is_playing")
        client.table("active_sessions").upsert({name: getattr(row, name) for name in columns}).execute()

    yield update


def sample_naively() -> None:
    """B0's sample of the machine, which it takes in the loop every 300 s."""
    psutil.cpu_percent(interval=1)


def sample_ours() -> None:
    """This bot's, which asks for the time since the last one."""
    psutil.cpu_percent(interval=None)


@asynccontextmanager
async def ours(url: str) -> AsyncGenerator[Handler]:
    """The recorder over the local store, with the replicator beside it."""
    with tempfile.TemporaryDirectory() as folder:
        async with Store(Path(folder)) as store, Replicator(store, url, "key"):
            recorder = Recorder(store)
            yield lambda: recorder.record(play())


async def backlog(store: Store, rows: int) -> None:
    """So many plays waiting in the store."""
    table = TABLE_OF[type(play())]
    for number in range(rows):
        row = play(track_title=f"Track {number}")
        store.hand_over(lambda transaction, row=row: transaction.put(row), table)
        if number % 5_000 == 0:
            await store.commit(lambda _: None)
    await store.commit(lambda _: None)
