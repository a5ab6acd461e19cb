"""What the bot needs of the database, derived from what it sends wherever that can be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from services.store.tables import SESSIONS, TABLES

# The columns that were there before this bot: a table without one of them is another program's.
_FIXED = {
    "system_stats": ("id", "cpu_usage", "ram_rss", "ram_heap", "ping_gateway", "ping_lavalink", "created_at"),
    "active_sessions": ("guild_id", "track_title", "position_ms", "duration_ms", "is_playing", "updated_at"),
    "bot_logs": ("id", "level", "message", "created_at"),
    "gemini_usage": (
        *("id", "guild_id", "user_id", "prompt_tokens", "completion_tokens", "total_tokens", "model"),
        "created_at",
    ),
    "music_history": ("id", "guild_id", "track_title", "track_url", "duration_ms", "requested_by", "created_at"),
    "command_queue": ("id", "command", "payload", "status", "created_at"),
}

_QUEUE_ADDED = ("claimed_by", "started_at", "finished_at", "error")
_NOW_ADDED = ("speed", "application_id", "revision", "stamped_at")

LISTENED = tuple(_FIXED)
"""What dashboards listen to by Realtime."""
UNLISTENED = ("session_revisions", "bot_state", "bot_retention")
JOBS = ("discord-bot-remove-old-rows", "discord-bot-sweep-sessions")
"""What pg_cron runs, where it is switched on."""


@dataclass(frozen=True, slots=True)
class RemoteTable:
    """A table as the bot uses it."""

    name: str
    fixed: tuple[str, ...]
    added: tuple[str, ...]
    """Columns that the migrations add."""
    key: str
    writes: Literal["upsert", "update", "never"]
    """How the bot writes it directly; sessions are written by `apply_sessions`."""

    @property
    def columns(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.fixed, *self.added)


@dataclass(frozen=True, slots=True)
class RemoteFunction:
    """A function that the bot calls, and arguments that give it nothing to do."""

    name: str
    arguments: Mapping[str, object]
    acts: bool = False
    """Whether it would change something even so: it is then called where nothing can be written."""


FUNCTIONS = (
    RemoteFunction("apply_sessions", {"items": []}),
    RemoteFunction("claim_commands", {"claimer": "00000000-0000-0000-0000-000000000000", "guilds": "{}"}, acts=True),
    RemoteFunction("finish_commands", {"outcomes": []}),
)


def _sent() -> tuple[RemoteTable, ...]:
    found: list[RemoteTable] = []
    for table in TABLES:
        fixed = _FIXED.get(table.name, ())
        added = tuple(column for column in (*table.columns, "revision") if column not in fixed)
        found.append(RemoteTable(table.name, fixed, added, table.key, "never" if table is SESSIONS else "upsert"))
    return tuple(found)


REMOTE_TABLES = (
    *_sent(),
    RemoteTable("session_revisions", (), ("guild_id", "revision"), "guild_id", "never"),
    RemoteTable("active_sessions_now", (), (*_FIXED["active_sessions"], *_NOW_ADDED), "guild_id", "never"),
    RemoteTable("bot_retention", (), ("table_name", "days"), "table_name", "never"),
    RemoteTable("command_queue", _FIXED["command_queue"], _QUEUE_ADDED, "id", "update"),
)
