"""The rows that are kept: one frozen value a row, with the columns of the remote table of the same meaning.

Times are aware UTC datetimes; Discord ids are text, because JavaScript readers round 64-bit numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

EndReason = Literal["finished", "skipped", "voted", "stopped", "replaced", "failed", "stuck", "shutdown", "lost"]
UsageStatus = Literal["open", "settled", "failed"]


@dataclass(frozen=True, slots=True)
class Play:
    """One track heard in one guild (`music_history`)."""

    event_id: str
    created_at: datetime
    guild_id: str
    track_title: str
    track_url: str | None
    duration_ms: int
    """Length in ms; 0 for a live stream."""
    requested_by: str
    """The requester's display name."""
    ended_at: datetime | None = None
    end_reason: EndReason | None = None
    played_ms: int | None = None
    """Milliseconds of audio heard, pauses excluded; null while the play runs."""


@dataclass(frozen=True, slots=True)
class Session:
    """A guild's current playback (`active_sessions`); it exists only while something plays or is paused."""

    guild_id: str
    track_title: str
    position_ms: int
    """Place in the track in ms, right at `updated_at`."""
    duration_ms: int
    is_playing: bool
    updated_at: datetime
    speed: float
    """Milliseconds of track a millisecond; 1.0 but for a timescale filter."""
    application_id: str


@dataclass(frozen=True, slots=True)
class Usage:
    """One call to the Gemini API (`gemini_usage`); the tokens are the API's own figures."""

    event_id: str
    created_at: datetime
    guild_id: str | None
    """Null in a direct message."""
    user_id: str
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    """The API's own total: thinking and tool use are in it and nowhere else."""
    model: str
    status: UsageStatus
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Stat:
    """One sample of the process and its connections (`system_stats`)."""

    event_id: str
    created_at: datetime
    cpu_usage: float
    """The whole machine's, in percent."""
    ram_rss: float
    """MB of 2^20 bytes."""
    ram_heap: float
    """`memory_info().vms` in MB of 2^20 bytes."""
    ping_gateway: int | None
    """ms; null until the first heartbeat is acknowledged."""
    ping_lavalink: int | None
    """ms, the slowest connected node's REST round trip; null if none answers within 2 s."""


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One line of the log (`bot_logs`)."""

    event_id: str
    created_at: datetime
    level: str
    message: str


@dataclass(frozen=True, slots=True)
class State:
    """A small thing that must outlive an empty disk (`bot_state`)."""

    key: str
    value: dict[str, object]


Row = Play | Session | Usage | Stat | LogEntry | State
