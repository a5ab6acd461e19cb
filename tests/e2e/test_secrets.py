"""No key, token or password gets out, by whatever path and whatever fails."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.conftest import Town

PASSWORD, WRITTEN = "c@nary-password", "c%40nary-password"
KEY = "canary-gemini-key-1234"


@pytest.mark.parametrize("format", ["json", "text"])
async def test_a_canary_in_every_secret_is_seen_nowhere(quiet_town: Town, format: str) -> None:
    """Nodes, Gemini and Supabase refuse, break and go away, with everything logged that libraries have to say."""
    town, world = quiet_town, quiet_town.world
    town.expects_trouble = True
    town.configure(
        LAVALINK_NODES=f"{world.lavalink.uri},http://:{WRITTEN}@{world.lavalink.uri.rpartition('@')[2]},"
        f"http://:{WRITTEN}@127.0.0.1:1",
        GEMINI_API_KEY=KEY,
        LOG_LEVEL="DEBUG",
        LOG_FORMAT=format,
    )
    await town.bot.start()
    await town.bot.started()
    replies = [await town.ask("ask", prompt="hello")]
    await replies[0].finished(lambda use: bool(use.text), timeout=10)
    await town.play("morning")
    pages = [await town.health(path) for path in ("/readyz", "/metrics", "/livez")]
    refusal = json.dumps({"message": "Invalid API key", "hint": town.supabase.service_role_key})
    town.supabase.answer(401, refusal, times=3)
    town.supabase.reset(2)
    await town.supabase.until(lambda: len(town.supabase.requests) >= 12, 20)
    await world.lavalink.down()
    await world.discord.reset()
    await world.discord.bot_ready(timeout=20)
    replies += [await town.ask("play", query=f"http://:{WRITTEN}@127.0.0.1/x"), await town.ask("status")]
    pages += [await town.health(path) for path in ("/readyz", "/metrics")]
    assert await town.bot.terminate() == 0
    rows = {table: await town.supabase.rows(table) for table in ("bot_logs", "music_history", "active_sessions")}
    seen = {
        "log": town.bot.log(),
        "pages": str(pages),
        "replies": str([(reply.text, reply.messages) for reply in replies]),
        "rows": json.dumps(rows, ensure_ascii=False),
        "store": (Path(town.environment["DATA_DIR"]) / "bot.db").read_bytes().decode(errors="replace"),
    }
    secrets = (world.discord.token, town.supabase.service_role_key, PASSWORD, WRITTEN, KEY)
    found = [(place, secret) for place, text in seen.items() for secret in secrets if secret in text]
    assert found == []
    assert "[redacted]" in seen["log"], "nothing was there to be redacted: this test shows nothing"
