"""A gateway session: what one shard has been told, so that RESUME can tell it again."""

from __future__ import annotations

import json
import secrets
from collections import deque
from itertools import takewhile
from typing import TYPE_CHECKING

from sandbox.chance import Chance

from .intents import EVENTS, Intent, needed_for, without_content
from .payload import Json
from .snowflake import shard_of

if TYPE_CHECKING:
    from .gateway import Connection


class Session:
    """Outlives its connections until it is ended; numbers and keeps every event it was sent."""

    def __init__(self, bot_id: int, shard: int, shards: int, intents: Intent, losses: Losses) -> None:
        self.id = secrets.token_hex(16)
        self.bot_id = bot_id
        self.shard = shard
        self.shards = shards
        self.intents = intents
        self.seq = 0
        self.connection: Connection | None = None
        self._kept: deque[tuple[int, str]] = deque()
        self._losses = losses

    def dispatch(self, event: str, data: Json, guild_id: int | None) -> None:
        """Number an event and hand it to the connection, if the intents allow it at all."""
        needed = needed_for(event, data)
        own_member = event == "GUILD_MEMBER_UPDATE" and data["user"]["id"] == str(self.bot_id)
        if (needed & ~self.intents and not own_member) or self._losses.strike(event):
            return
        of_server = event in ("MESSAGE_CREATE", "MESSAGE_UPDATE") and guild_id is not None
        if of_server and not self.intents & Intent.MESSAGE_CONTENT:
            data = without_content(data, self.bot_id)
        self.seq += 1
        frame = json.dumps({"op": 0, "t": event, "s": self.seq, "d": data}, separators=(",", ":"))
        self._kept.append((self.seq, frame))
        if self.connection is not None:
            self.connection.wake()

    def after(self, seq: int) -> list[tuple[int, str]]:
        """The events that follow a sequence number."""
        newest_first = takewhile(lambda kept: kept[0] > seq, reversed(self._kept))
        return list(newest_first)[::-1]

    def acknowledge(self, seq: int) -> None:
        """A heartbeat says what has arrived; that need not be kept."""
        while self._kept and self._kept[0][0] <= seq:
            self._kept.popleft()

    def can_resume_from(self, seq: int) -> bool:
        first = self._kept[0][0] if self._kept else self.seq + 1
        return first - 1 <= seq <= self.seq


class Losses:
    """Events that are due to get lost, by kind."""

    def __init__(self) -> None:
        self._due: dict[str, list[Chance]] = {}

    def add(self, event: str, chance: Chance) -> None:
        """Lose the next event of a kind where chance strikes. Raises ``ValueError`` for a kind that is never sent."""
        if event not in EVENTS:
            raise ValueError(f"there is no event {event!r} (there is: {', '.join(sorted(EVENTS))})")
        self._due.setdefault(event, []).append(chance)

    def strike(self, event: str) -> bool:
        """Whether this event gets lost; each loss strikes once."""
        due = self._due.get(event)
        if not due or not due[0].strikes():
            return False
        del due[0]
        return True

    def clear(self) -> None:
        self._due.clear()


class Sessions:
    """Every session that still gets events."""

    def __init__(self, bot_id: int) -> None:
        self._bot_id = bot_id
        self.losses = Losses()
        self._by_id: dict[str, Session] = {}

    def start(self, shard: int, shards: int, intents: Intent) -> Session:
        session = Session(self._bot_id, shard, shards, intents, self.losses)
        self._by_id[session.id] = session
        return session

    def end(self, session: Session) -> None:
        self._by_id.pop(session.id, None)

    def find(self, session_id: str) -> Session | None:
        return self._by_id.get(session_id)

    def all(self) -> list[Session]:
        return list(self._by_id.values())

    def connected(self) -> list[Session]:
        return [session for session in self._by_id.values() if session.connection is not None]

    def of_guild(self, guild_id: int | None) -> list[Session]:
        return [s for s in self._by_id.values() if s.shard == shard_of(guild_id, s.shards)]

    def publish(self, event: str, data: Json, guild_id: int | None) -> None:
        for session in self.of_guild(guild_id):
            session.dispatch(event, data, guild_id)
