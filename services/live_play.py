"""A play while it runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from services.play_clock import PlayClock
from services.rows import EndReason, Play, Session

ENDLESS_MS = 2**53
"""A track as long as this has no end: Lavalink gives a live stream 9223372036854775807 ms."""


@dataclass(frozen=True, slots=True)
class Track:
    """What is known of a track before it plays; `duration_ms` is Lavalink's `length`."""

    title: str
    url: str | None
    duration_ms: int
    requested_by: str


@dataclass(frozen=True, slots=True)
class Playing:
    """A guild's current play as it stands now; `duration_ms` is 0 for a live stream."""

    play_id: str
    title: str
    url: str | None
    requested_by: str
    position_ms: int
    duration_ms: int
    paused: bool
    node_lost: bool
    speed: float


@dataclass(slots=True)
class LivePlay:
    """A play that has not ended: its row, its clock, and what is known of its end."""

    play: Play
    clock: PlayClock
    recorded_at: float
    """When its session was last recorded; seconds of the monotonic clock, as every `at`."""
    broken: bool = False
    """Whether the node reported an exception in it."""
    ending: EndReason | None = None
    """Why it is about to end, where somebody asked for that."""
    returning: bool = False
    """Whether its node is back, and has not yet told how far it is."""

    @property
    def is_playing(self) -> bool:
        """Neither paused nor without its node."""
        return not self.clock.paused and not self.clock.away

    def find(self, at: float) -> None:
        """Its node told of it at `at`: if it was away, it played on all the while."""
        if self.returning:
            self.returning = False
            self.clock.find(at)

    def playing(self, at: float) -> Playing:
        """How it stands at `at`."""
        return Playing(
            play_id=self.play.event_id,
            title=self.play.track_title,
            url=self.play.track_url,
            requested_by=self.play.requested_by,
            position_ms=self.clock.place(at),
            duration_ms=self.play.duration_ms,
            paused=self.clock.paused,
            node_lost=self.clock.away,
            speed=self.clock.speed,
        )

    def session(self, at: float, updated_at: datetime, application_id: str) -> Session:
        """Its guild's session as of `at`, which is `updated_at` on the wall."""
        return Session(
            guild_id=self.play.guild_id,
            track_title=self.play.track_title,
            position_ms=self.clock.place(at),
            duration_ms=self.play.duration_ms,
            is_playing=self.is_playing,
            updated_at=updated_at,
            speed=self.clock.speed,
            application_id=application_id,
        )

    def end(self, at: float, ended_at: datetime, reason: EndReason, position_ms: int | None) -> Play:
        """Its row once it ended at `at`, at Lavalink's `position_ms` where that is known."""
        finished = reason == "finished" and not self.broken
        played = self.clock.end(at, position_ms, finished=finished)
        return replace(self.play, ended_at=ended_at, end_reason=reason, played_ms=played)
