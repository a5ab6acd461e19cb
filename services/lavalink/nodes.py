"""All Lavalink servers of this bot."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp
import discord
import wavelink

from services.health import ServiceState
from services.lavalink.care import care_for
from services.lavalink.events import NodeEvents
from services.lavalink.faults import MusicOff, NodeUnavailable
from services.lavalink.node import Node
from services.lavalink.player import Player
from services.lavalink.websocket import Websocket
from services.playback import Playback
from services.settings import Settings
from services.tasks import log_failure

log = logging.getLogger("bot.lavalink")
TICK_S = 0.5
WATCH_S = 5.0
UNANSWERED = 3
"""After so many probes without an answer the node's connection is made anew."""
INTRODUCED_S = 10.0
"""A node says `ready` right after its socket opens; one that has not by now never will."""
PICK_S = 3.0
"""A node that is just connecting is waited for so long: its socket opens before it is ready."""
CLOSE_S = 0.5


class Nodes:
    """`async with Nodes(…)`, then `start` once the client has logged in; nothing waits for a node that is away."""

    def __init__(self, settings: Settings, playback: Playback) -> None:
        self._uris = settings.lavalink_nodes
        self._playback = playback
        self._events = NodeEvents(playback, settings.search_sources, self._spawn)
        self._nodes: list[Node] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def start(self, client: discord.Client) -> None:
        """Begin to connect every node, each in its own task; from `setup_hook`, where the user is known."""
        if not self._uris or self._nodes:
            return
        # wavelink has no other way to be given a socket.
        wavelink.node.Websocket = Websocket  # pyright: ignore[reportPrivateImportUsage] - the module that uses it
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=15, connect=3))
        names = [urlsplit(uri).netloc.rpartition("@")[2] for uri in self._uris]
        for number, (uri, name) in enumerate(zip(self._uris, names, strict=True)):
            unique = name if names.count(name) == 1 else f"{name}#{number + 1}"
            node = Node(uri, unique, self._session, self._events)
            self._nodes.append(node)
            self._spawn(_connect(node, client))
            self._spawn(self._watch(node))
        self._spawn(self._tick())

    @property
    def players(self) -> list[Player]:
        """Every player of every node, also of those that are away."""
        return [player for node in self._nodes for player in node.waiting_players if isinstance(player, Player)]

    @property
    def state(self) -> ServiceState:
        """How music is: it works while one node is ready; the detail names each that is not."""
        if not self._uris:
            return ServiceState("off", "LAVALINK_NODES is empty")
        wrong = "; ".join(f"{name}: {state}" for name, state in self.states().items() if state != "ready")
        if any(node.is_ready for node in self._nodes):
            return ServiceState("ok", wrong)
        starting = not self._nodes or all(_state(node) == "connecting" and not node.lost_at for node in self._nodes)
        return ServiceState("starting" if starting else "down", wrong)

    def states(self) -> dict[str, str]:
        """By node (host and port): `ready`, or what is wrong with it."""
        return {node.identifier: _state(node) for node in self._nodes}

    async def ping(self) -> int | None:
        """The slowest connected node's REST round trip in ms; None if none answers within 2 s."""
        connected = [node for node in self._nodes if node.status is wavelink.NodeStatus.CONNECTED]
        answers = [ms for ms in await asyncio.gather(*(node.probe() for node in connected)) if ms is not None]
        return max(1, round(max(answers))) if answers else None

    def check_wanted(self) -> None:
        """Whether there is to be music at all.

        Raises:
            MusicOff: LAVALINK_NODES is empty.
        """
        if not self._uris:
            raise MusicOff

    async def pick(self) -> Node:
        """The ready node with the fewest players; waits a moment for one that is just connecting.

        Raises:
            NodeUnavailable: there is none.
        """
        deadline = time.monotonic() + PICK_S
        while True:
            ready = [node for node in self._nodes if node.is_ready]
            if ready:
                return min(ready, key=lambda node: len(node.waiting_players))
            if time.monotonic() > deadline or not any(node.fault == "connecting" for node in self._nodes):
                raise NodeUnavailable
            await asyncio.sleep(0.05)

    def other(self, node: Node) -> Node | None:
        """The ready node with the fewest players that is not `node`, if there is one."""
        ready = [each for each in self._nodes if each.is_ready and each is not node]
        return min(ready, key=lambda each: len(each.waiting_players), default=None)

    async def join(self, channel: discord.VoiceChannel | discord.StageChannel) -> Player:
        """A new player in `channel`.

        Raises:
            NodeUnavailable: no node is there.
            VoiceUnavailable: the voice connection did not come about.
        """
        return await Player.join(channel, await self.pick(), self._playback)

    async def close(self) -> None:
        """Record that every play ends, then stop the players (at most 0.5 s) and the connections."""
        self._playback.shutdown()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        stops = [asyncio.create_task(each.lavalink.destroy_quietly(each.guild_id)) for each in self.players]
        if stops:
            await asyncio.wait(stops, timeout=CLOSE_S)
        for node in self._nodes:
            await node.stop()
        self._nodes.clear()
        if self._session is not None:
            await self._session.close()

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(coroutine, name=f"music: {coroutine.__qualname__}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(log_failure)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self._playback.tick()
            for player in self.players:
                try:
                    care = care_for(player, self._playback, self.other)
                except Exception:  # one guild's fault is no other guild's
                    log.exception("Guild %s could not be looked after", player.key)
                    continue
                if care is not None:
                    self._spawn(care)

    async def _watch(self, node: Node) -> None:
        while True:
            await asyncio.sleep(WATCH_S)
            websocket = node.websocket
            if websocket is None:
                continue
            if node.status is not wavelink.NodeStatus.CONNECTED:
                if websocket.is_reading and time.monotonic() - websocket.opened_at > INTRODUCED_S:
                    websocket.connect_again()
                continue
            node.unanswered = 0 if await node.probe() is not None else node.unanswered + 1
            if not websocket.is_reading or node.unanswered >= UNANSWERED:
                node.fault = "not answering"
                websocket.connect_again()


async def _connect(node: Node, client: discord.Client) -> None:
    await wavelink.Pool.connect(nodes=[node], client=client)


def _state(node: Node) -> str:
    if node.is_ready:
        return "ready"
    return "not answering" if node.unanswered else node.fault
