"""`/livez`, `/readyz` and `/metrics`: what an operator's tools ask the process."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Literal, Self

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from services.store.books import Books

log = logging.getLogger("bot.health")

Condition = Literal["ok", "off", "starting", "waiting", "down", "paused"]


@dataclass(frozen=True, slots=True)
class ServiceState:
    """How one of the things that the bot stands on is."""

    condition: Condition
    detail: str = ""
    """In words for the operator: what is wrong and what would cure it."""
    needed: bool = False
    """Whether the bot is not ready without it."""

    @property
    def well(self) -> bool:
        """Nothing to do: it works, or it is not wanted."""
        return self.condition in {"ok", "off"}


@dataclass(frozen=True, slots=True)
class Vitals:
    """The figures of `/metrics` that come from Discord and Lavalink."""

    shards: dict[int, tuple[bool, float]]
    """By shard: whether it is connected, and its heartbeat's latency in s (inf or nan until known)."""
    guilds: int
    players: int
    lavalink_ping_ms: float | None


class Health:
    """`async with Health(…)`: the HTTP server for as long as the bot runs; an address in use is said and survived."""

    def __init__(
        self,
        host: str,
        port: int,
        states: Callable[[], dict[str, ServiceState]],
        vitals: Callable[[], Awaitable[Vitals]],
        books: Callable[[], Awaitable[dict[str, Books]]],
    ) -> None:
        self._address = (host, port)
        self._states = states
        self._vitals = vitals
        self._books = books

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.add_routes(
            [
                web.get("/livez", self._livez),
                web.get("/readyz", self._readyz),
                web.get("/metrics", self._metrics),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, *self._address).start()
        except OSError as error:
            log.error("No health endpoints: %s:%d cannot be used (%s)", *self._address, error.strerror)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _livez(self, _: web.Request) -> web.Response:
        # That the loop answers is all: a store or a node that is down is no reason to start this process anew.
        return web.Response(text="ok\n")

    async def _readyz(self, _: web.Request) -> web.Response:
        states = self._states()
        ready = all(state.well for state in states.values() if state.needed)
        services = {name: {"state": state.condition, "detail": state.detail} for name, state in states.items()}
        return web.json_response({"ready": ready, "services": services}, status=200 if ready else 503)

    async def _metrics(self, _: web.Request) -> web.Response:
        registry = CollectorRegistry()
        metrics = list(_vital_metrics(await self._vitals()))
        try:
            metrics += _book_metrics(await self._books())
        except sqlite3.Error as error:
            # The figures that do not come from the store are wanted all the more while it is broken.
            log.warning("The books cannot be read: %s", error)
        registry.register(_Snapshot(metrics))
        return web.Response(body=generate_latest(registry), content_type="text/plain", charset="utf-8")


class _Snapshot:
    """A collector of figures that were gathered for this one scrape."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _vital_metrics(vitals: Vitals) -> Iterable[Metric]:
    connected = GaugeMetricFamily("discord_connected", "Whether the shard is connected", labels=["shard"])
    latency = GaugeMetricFamily("discord_latency", "Heartbeat latency in seconds", labels=["shard"])
    for shard, (is_connected, seconds) in vitals.shards.items():
        connected.add_metric([str(shard)], float(is_connected))
        latency.add_metric([str(shard)], seconds)
    yield connected
    yield latency
    yield GaugeMetricFamily("discord_stat_total_guilds", "Guilds that the bot is in", value=vitals.guilds)
    yield GaugeMetricFamily("lavalink_players", "Guilds that play or are paused", value=vitals.players)
    if vitals.lavalink_ping_ms is not None:
        yield GaugeMetricFamily(
            "lavalink_latency_seconds",
            "REST round trip of the slowest connected node",
            value=vitals.lavalink_ping_ms / 1000,
        )


def _book_metrics(books: dict[str, Books]) -> Iterable[Metric]:
    accepted = CounterMetricFamily("bot_rows_accepted", "Rows committed to the local store", labels=["table"])
    replicated = GaugeMetricFamily(
        "bot_rows_replicated", "Rows that Supabase has at their newest revision", labels=["table"]
    )
    waiting = GaugeMetricFamily("bot_rows_waiting", "Rows that wait for replication", labels=["table"])
    set_aside = GaugeMetricFamily(
        "bot_rows_set_aside", "Rows that Supabase refused for what is in them", labels=["table"]
    )
    drops = CounterMetricFamily("bot_rows_dropped", "Rows that could not be kept", labels=["table", "reason"])
    for table, book in books.items():
        accepted.add_metric([table], book.accepted)
        replicated.add_metric([table], book.replicated)
        waiting.add_metric([table], book.waiting)
        set_aside.add_metric([table], book.set_aside)
        for reason, rows in book.dropped.items():
            drops.add_metric([table, reason], rows)
    return [accepted, replicated, waiting, set_aside, drops]
