"""The services, made from the settings in the order in which they need each other, and closed in the opposite one."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from uuid_utils import uuid7

from services.assistant import FOR_THE_OPERATOR, Assistant
from services.gemini import Gemini
from services.health import ServiceState
from services.i18n import say
from services.lavalink import Nodes
from services.logs import LogRecorder, Redactor
from services.playback import Playback
from services.prompt_data import music_facts
from services.recorder import Recorder
from services.recovery import Leftovers, read_leftovers, settle_usages
from services.settings import Settings
from services.store import Store
from services.store.upkeep import Upkeep
from services.tasks import log_failure

if TYPE_CHECKING:
    from services.replication import Replicator

log = logging.getLogger("bot")

LOG_FLUSH_SECONDS = 1.0
CATCHING_UP = "catching up: what an earlier disk held of bot_state and of this month's usage is still being read back"


@dataclass(frozen=True, slots=True)
class Services:
    """Everything below the cogs."""

    settings: Settings
    store: Store
    recorder: Recorder
    replicator: Replicator | None
    playback: Playback
    nodes: Nodes
    assistant: Assistant
    leftovers: Leftovers

    def states(self) -> dict[str, ServiceState]:
        """How each service is; Discord's own state is the bot's to tell."""
        fault = self.store.fault
        return {
            "lavalink": self.nodes.state,
            "gemini": _gemini_state(self.assistant.state()),
            "supabase": _supabase_state(self.replicator),
            "store": _store_state(fault),
        }


def _gemini_state(state: str) -> ServiceState:
    if state == "off":
        return ServiceState("off", "GEMINI_API_KEY is not set")
    if state == "ok":
        return ServiceState("ok")
    return ServiceState("paused" if state in FOR_THE_OPERATOR else "waiting", say("en", state))


def _store_state(fault: str | None) -> ServiceState:
    if fault is None:
        return ServiceState("ok", needed=True)
    said = f"nothing can be written ({fault}); rows wait in memory: see to DATA_DIR's disk and rights"
    return ServiceState("down", said, needed=True)


def _supabase_state(replicator: Replicator | None) -> ServiceState:
    if replicator is None:
        return ServiceState("off", "SUPABASE_URL is not set: everything is kept in the local store alone")
    behind = [CATCHING_UP] if replicator.catching_up else []
    if replicator.paused:
        return ServiceState("paused", "; ".join([*replicator.paused, *behind]), needed=True)
    if replicator.failing:
        said = f"rows wait in the local store, and are sent once Supabase answers ({replicator.failing})"
        return ServiceState("waiting", "; ".join([said, *behind]))
    return ServiceState("ok", "; ".join(behind))


@asynccontextmanager
async def open_services(
    settings: Settings, redactor: Redactor, application_id: Callable[[], str]
) -> AsyncGenerator[Services]:
    """The services for as long as the context lasts; leaving it commits, flushes to Supabase and closes.

    Raises:
        StoreInUse, StoreTooNew, StoreUnusable: see `Store`.
    """
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(Store(settings.data_dir))
        recorder = Recorder(store)
        await stack.enter_async_context(_recorded_logs(recorder, redactor))
        await stack.enter_async_context(_beside(Upkeep(store, now).run(), "store-upkeep"))
        leftovers = await read_leftovers(store)
        settle_usages(recorder, leftovers)
        replicator = None
        if settings.supabase_url and settings.supabase_key:
            # Imported here because it costs a third of a second and 20 MiB that a local-only bot need not pay.
            from services.replication import Replicator  # noqa: PLC0415

            replicator = await stack.enter_async_context(
                Replicator(store, settings.supabase_url, settings.supabase_key)
            )
        playback = Playback(recorder, application_id, now, time.monotonic, new_id, settings.position_interval)
        nodes = await stack.enter_async_context(Nodes(settings, playback))
        gemini = None
        if settings.gemini_api_key:
            gemini = await stack.enter_async_context(Gemini(settings.gemini_api_key, settings.gemini_api_endpoint))

        def music(guild_id: str) -> str:
            waiting = sum(len(player.upcoming) for player in nodes.players if player.key == guild_id)
            return music_facts(playback.playing(guild_id), waiting)

        assistant = Assistant(recorder, gemini, settings.gemini_model, now, new_id, music=music)
        yield Services(settings, store, recorder, replicator, playback, nodes, assistant, leftovers)


@asynccontextmanager
async def _recorded_logs(recorder: Recorder, redactor: Redactor) -> AsyncGenerator[None]:
    handler = LogRecorder(recorder, redactor, now, time.monotonic, new_id)

    async def write_counts() -> None:
        while True:
            await asyncio.sleep(LOG_FLUSH_SECONDS)
            handler.flush()

    root = logging.getLogger()
    root.addHandler(handler)
    try:
        async with _beside(write_counts(), "log-counts"):
            yield
    finally:
        handler.flush()
        root.removeHandler(handler)


@asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None], name: str) -> AsyncGenerator[None]:
    """Run `work` for as long as the context lasts; should it fail, that is logged."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(log_failure)
    try:
        yield
    finally:
        task.cancel()


def now() -> datetime:
    """The time of a fact."""
    return datetime.now(UTC)


def new_id() -> str:
    """A UUIDv7: unique, and in the order of time."""
    return str(uuid7())
