"""Rows to test with."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count

from uuid_utils import uuid7

from services.rows import LogEntry, Play, Session, Usage

_numbers = count(1)


def new_id() -> str:
    return str(uuid7())


def now() -> datetime:
    return datetime.now(UTC)


def play(**columns: object) -> Play:
    number = next(_numbers)
    values: dict[str, object] = {
        "event_id": new_id(),
        "created_at": now(),
        "guild_id": "100",
        "track_title": f"Track {number}",
        "track_url": f"https://youtu.be/{number}",
        "duration_ms": 180_000,
        "requested_by": "alice",
    }
    return Play(**(values | columns))  # pyright: ignore[reportArgumentType] - a test names the columns it means


def session(guild_id: str = "100", **columns: object) -> Session:
    values: dict[str, object] = {
        "guild_id": guild_id,
        "track_title": "Track",
        "position_ms": 0,
        "duration_ms": 180_000,
        "is_playing": True,
        "updated_at": now(),
        "speed": 1.0,
        "application_id": "1",
    }
    return Session(**(values | columns))  # pyright: ignore[reportArgumentType] - a test names the columns it means


def usage(**columns: object) -> Usage:
    values: dict[str, object] = {
        "event_id": new_id(),
        "created_at": now(),
        "guild_id": "100",
        "user_id": "7",
        "prompt_tokens": 0,
        "completion_tokens": 0,
        "total_tokens": 0,
        "model": "gemini-3.5-flash-lite",
        "status": "open",
    }
    return Usage(**(values | columns))  # pyright: ignore[reportArgumentType] - a test names the columns it means


def entry(message: str = "hello", level: str = "INFO") -> LogEntry:
    return LogEntry(new_id(), now(), level, message)
