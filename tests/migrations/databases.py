"""Databases to try the migrations on, and what they make of them."""

from __future__ import annotations

import json
from pathlib import Path

from sandbox.supabase import MIGRATIONS, PostgreSQL

FIELD = Path(__file__).with_name("field.sql")
OPT_IN = MIGRATIONS / "opt-in"
DASHBOARD_READ = OPT_IN / "dashboard_read.sql"
DASHBOARD_CONTROL = OPT_IN / "dashboard_control.sql"
DASHBOARD_OFF = OPT_IN / "dashboard_off.sql"
LISTENED = ("system_stats", "active_sessions", "bot_logs", "gemini_usage", "music_history", "command_queue")
"""The tables that were there before, which dashboards read and listen to."""
BOOKKEEPING = ("session_revisions", "bot_state", "bot_retention")
TABLES = LISTENED + BOOKKEEPING
NOW = "active_sessions_now"

Schema = dict[str, list[str] | None]

_SCHEMA = Path(__file__).with_name("schema.sql").read_text()


async def migrate(cluster: PostgreSQL, database: str) -> None:
    """Apply every migration in order, as `psql -f` does."""
    for migration in sorted(MIGRATIONS.glob("*.sql")):
        await cluster.run(migration.read_text(), database)


async def schema(cluster: PostgreSQL, database: str) -> Schema:
    """Everything that makes up the schema: {kind: [line, ...]}."""
    return json.loads(await cluster.run(_SCHEMA, database))
