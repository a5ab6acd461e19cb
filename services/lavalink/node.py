"""One Lavalink server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote, urlsplit

import aiohttp
import wavelink

from services.lavalink.faults import NodeRefused, NodeUnavailable, PlayerGone
from services.lavalink.websocket import Websocket

if TYPE_CHECKING:
    from wavelink.types.request import Request
    from wavelink.types.response import PlayerResponse

ANSWER_S = 5.0
"""A player's request takes milliseconds; one with a voice server that cannot be reached never returns."""
LOAD_S = 12.0
"""Sources are slow; a source that stalls holds the request for a minute (seen on Lavalink 4.2.2)."""
DESTROY_S = 1.0
PROBE_S = 2.0


class Events(Protocol):
    """Hears everything that a node says, in order, before anybody else does."""

    def heard(self, node: Node, event: str, payload: Any) -> None:
        """`event` is wavelink's name without its prefix, such as `track_end`."""
        ...


class Node(wavelink.Node):
    """A node whose every call has a time-out, and whose errors are `UserError`s."""

    def __init__(self, uri: str, name: str, session: aiohttp.ClientSession, events: Events) -> None:
        parts = urlsplit(uri)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        port = f":{parts.port}" if parts.port else ""
        super().__init__(
            identifier=name,
            uri=f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}",
            password=unquote(parts.password or ""),
            session=session,
            resume_timeout=60,
            inactive_player_timeout=None,
            inactive_channel_tokens=None,
        )
        self.events = events
        self.unanswered = 0
        """Probes in a row that were not answered."""
        self.fault = "connecting"
        """Why it is not ready, in a few words."""
        self.introduced = False
        """Whether it said who it is since it was connected; before that it may not be given anything to play."""
        self.lost_at: float | None = None
        """When it was lost, in seconds of `time.monotonic`; None while it is there."""
        self.closing = False
        """Whether what it says is of interest no more."""
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def is_ready(self) -> bool:
        """Connected, introduced, and answering."""
        return self.status is wavelink.NodeStatus.CONNECTED and self.introduced and not self.unanswered

    @property
    def websocket(self) -> Websocket | None:
        """Its connection, once there is one."""
        return self._websocket if isinstance(self._websocket, Websocket) else None

    @property
    def session(self) -> aiohttp.ClientSession:
        """Shared by all nodes, closed by whoever opened it."""
        return self._session

    @property
    def waiting_players(self) -> list[wavelink.Player]:
        """Its players, also while it is away."""
        return list(self._players.values())

    def mark_ready(self) -> None:
        """It introduced itself."""
        self.introduced = True
        self.fault, self.unanswered, self.lost_at = "connecting", 0, None

    def mark_lost(self) -> None:
        """Its connection is gone."""
        self.introduced = False
        self.lost_at = self.lost_at or time.monotonic()

    def take(self, player: wavelink.Player, guild_id: int) -> None:
        """From now on the guild's player is this node's."""
        self._players[guild_id] = player

    def give_up(self, guild_id: int) -> None:
        """The guild's player is another node's now."""
        self._players.pop(guild_id, None)

    def set_status(self, status: wavelink.NodeStatus) -> None:
        """For its websocket, which alone knows."""
        self._status = status

    def keep(self, task: asyncio.Task[Any]) -> None:
        """Hold on to `task` until it is done; `stop` cancels it."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Close the connection for good; the players are forgotten, not told."""
        self.closing = True
        tasks = [*self._tasks]
        if self.websocket is not None and self.websocket.connecting is not None:
            tasks.append(self.websocket.connecting)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._players.clear()
        await self.close(eject=True)

    async def probe(self) -> float | None:
        """A REST round trip in ms, or None if nothing came within 2 s."""
        start = time.perf_counter()
        try:
            async with asyncio.timeout(PROBE_S):
                await self.fetch_version()
        except (TimeoutError, aiohttp.ClientError, wavelink.WavelinkException, ValueError):
            return None
        return (time.perf_counter() - start) * 1000

    async def patch(self, guild_id: int, data: Request) -> PlayerResponse:
        """`PATCH /v4/sessions/{id}/players/{guild}` with `data`: the answer, which wavelink's player drops."""
        return await self._update_player(guild_id, data=data, replace=True)

    async def destroy(self, guild_id: int) -> None:
        """`DELETE` the guild's player on the node."""
        await self._destroy_player(guild_id)

    async def destroy_quietly(self, guild_id: int) -> None:
        """As `destroy`, where nothing more can be done if it fails."""
        with suppress(NodeUnavailable, NodeRefused):
            await self.destroy(guild_id)

    async def destroy_strays(self) -> None:
        """Destroy what the node still plays for guilds whose player is gone, or on another node by now."""
        with suppress(NodeUnavailable, NodeRefused):
            async with self._asking(ANSWER_S):
                found = await self.send("GET", path=f"v4/sessions/{self.session_id}/players")
            for guild_id in (int(player["guildId"]) for player in found):
                if guild_id not in self._players:
                    await self.destroy(guild_id)

    async def _update_player(self, guild_id: int, /, *, data: Request, replace: bool = False) -> PlayerResponse:
        if guild_id not in self._players:
            raise PlayerGone  # the node would make another, which nobody would ever stop
        if self.lost_at is not None:
            raise NodeUnavailable  # a network that swallows everything would have it wait for the time-out
        async with self._asking(ANSWER_S):
            return await super()._update_player(guild_id, data=data, replace=replace)

    async def _destroy_player(self, guild_id: int, /) -> None:
        async with self._asking(DESTROY_S):
            await super()._destroy_player(guild_id)

    async def _fetch_tracks(self, query: str) -> Any:
        async with self._asking(LOAD_S):
            return await super()._fetch_tracks(query)

    @asynccontextmanager
    async def _asking(self, seconds: float) -> AsyncGenerator[None]:
        if self.closing:
            raise NodeUnavailable
        try:
            async with asyncio.timeout(seconds):
                yield
        except (TimeoutError, aiohttp.ClientError, wavelink.NodeException, ValueError) as error:
            raise NodeUnavailable from error
        except wavelink.LavalinkException as error:
            # 404 is an unknown session: the node was started anew, or its socket is down (seen on 4.2.2).
            raise (NodeUnavailable if error.status == 404 else NodeRefused)() from error
