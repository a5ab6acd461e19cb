"""What all routes share: sessions, loader, account, chance, and the faults that are switched on."""

import json
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from sandbox.lavalink.account import Account
from sandbox.lavalink.errors import LavalinkError
from sandbox.lavalink.loader import Loader
from sandbox.lavalink.payloads import Message
from sandbox.lavalink.player import Player
from sandbox.lavalink.races import Races
from sandbox.lavalink.session import Session
from sandbox.lavalink.stats import frame_statistics, statistics
from sandbox.lavalink.trouble import Trouble
from sandbox.lavalink.voice import VoiceState

VoiceCheck: TypeAlias = Callable[[int, VoiceState], bool | int | Literal["silent"] | None]

_MOST_REQUESTS = 10_000


@dataclass(slots=True)
class SeenRequest:
    """A request; `path` with its query, `body` read as JSON, `status` None until it is answered."""

    method: str
    path: str
    body: object
    status: int | None = None


def readable(data: bytes) -> object:
    """A body as JSON, or as text where it is none; None without one."""
    try:
        return json.loads(data) if data else None
    except ValueError:
        return data.decode("utf-8", "replace")


@dataclass(slots=True)
class Node:
    """The state behind the routes. `changed` is called after anything that a test might wait for."""

    password: str
    loader: Loader
    races: Races
    stuck_threshold_ms: int
    voice_check: VoiceCheck | None
    changed: Callable[[], None]
    trouble: Trouble
    account: Account = field(default_factory=Account)
    sessions: dict[str, Session] = field(default_factory=dict[str, Session])
    requests: deque[SeenRequest] = field(default_factory=lambda: deque(maxlen=_MOST_REQUESTS))
    hung_prefixes: list[str] = field(default_factory=list[str])
    voice_hangs: bool = False
    started_at: float = field(default_factory=time.monotonic)

    def session(self, session_id: str) -> Session:
        """The session, for REST: one whose WebSocket is down is not found."""
        session = self.sessions.get(session_id)
        if session is None or not session.connected:
            raise LavalinkError(404, "Session not found")
        return session

    def open_session(self, user_id: int) -> Session:
        """A new session."""
        session = Session(user_id, self.account, self.stuck_threshold_ms, self.changed, self._drop)
        session.loses, session.may_send = self.trouble.loses, self.may_send
        self.sessions[session.id] = session
        return session

    def players(self) -> Iterator[Player]:
        """The players of all sessions."""
        for session in self.sessions.values():
            yield from session.players.values()

    def statistics(self, frame_stats: Message | None = None) -> Message:
        """Server statistics; REST never has frame statistics."""
        return statistics(self.players(), self.started_at, frame_stats)

    def session_stats(self, session: Session) -> Message:
        """The `stats` message of a session."""
        frame_stats = frame_statistics(session.players.values())
        return {"op": "stats", **self.statistics(frame_stats)}

    async def pass_gate(self, path: str) -> None:
        """Wait while requests to this path hang, or if this one is left without an answer."""
        if self.trouble.is_silent():
            await self.trouble.healed.wait()
        while any(path.startswith(prefix) for prefix in self.hung_prefixes):
            await self.trouble.healed.wait()

    async def may_send(self) -> None:
        """Wait until WebSockets may carry messages."""
        while self.trouble.silence is not None:
            await self.trouble.healed.wait()

    def heal(self) -> None:
        """Nothing is slow or hangs any more; players whose voice hung go on hanging until deleted."""
        self.hung_prefixes.clear()
        self.voice_hangs = False
        self.trouble.clear()

    def _drop(self, session: Session) -> None:
        self.sessions.pop(session.id, None)
        session.destroy("cleanup")
        self.changed()
