"""What a dashboard writes into `command_queue` happens to the music."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from tests.e2e.conftest import Rows, Town

IN_TIME_S = 3


async def order(town: Town, command: str, age: str = "0 s", /, **more: object) -> str:
    """A row as a dashboard inserts it for the server, `age` ago; its id."""
    payload = json.dumps({"guild_id": str(town.world.guild.id), **more})
    found = await town.supabase.execute(
        "insert into public.command_queue (command, payload, status, created_at)"
        f" values ('{command}', '{payload}', 'pending', now() - interval '{age}') returning id"
    )
    return found.strip()


async def outcome(town: Town, command_id: str, timeout: float = 15) -> dict[str, Any]:
    """The row once it is completed or failed."""
    rows = await town.rows(
        "command_queue",
        lambda rows: any(row["id"] == command_id and row["status"] in {"completed", "failed"} for row in rows),
        timeout,
    )
    return next(row for row in rows if row["id"] == command_id)


async def carried_out(town: Town, command: str, **more: int) -> None:
    row = await outcome(town, await order(town, command, **more))
    assert (row["status"], row["error"]) == ("completed", None)
    took = datetime.fromisoformat(row["finished_at"]) - datetime.fromisoformat(row["created_at"])
    assert took.total_seconds() < IN_TIME_S


def playing(title: str, *, plays: bool = True):
    return lambda rows: bool(rows) and title in rows[0]["track_title"] and rows[0]["is_playing"] is plays


async def test_a_dashboard_controls_what_plays(town: Town) -> None:
    await town.play("night")
    await town.ask("play", query="rainy")
    await carried_out(town, "pause")
    (paused,) = await town.rows("active_sessions", playing("Night", plays=False))
    await carried_out(town, "seek", position_ms=6_000)
    (sought,) = await town.rows("active_sessions", lambda rows: bool(rows) and rows[0]["position_ms"] == 6_000)
    assert (paused["is_playing"], sought["is_playing"]) == (False, False)
    await carried_out(town, "resume")
    await town.rows("active_sessions", playing("Night"))
    await carried_out(town, "volume", level=40)
    assert town.players()[0].volume == 40
    await carried_out(town, "skip")
    await town.rows("active_sessions", playing("Rainy"))
    await carried_out(town, "stop")
    await town.rows("active_sessions", lambda rows: not rows)
    plays = await town.rows("music_history", lambda rows: len(rows) == 2 and all(row["ended_at"] for row in rows))
    assert [row["end_reason"] for row in plays] == ["skipped", "stopped"]
    await town.rows("bot_logs", lambda rows: any("'stop'" in row["message"] for row in rows))


async def test_where_nothing_plays_it_fails_and_says_so(town: Town) -> None:
    row = await outcome(town, await order(town, "pause"))
    assert row["status"] == "failed"
    assert "Nothing is playing here." in row["error"]


async def test_what_is_wrong_fails_in_words_and_the_music_plays_on(town: Town) -> None:
    await town.play("night")
    wrong = {
        await order(town, "dance"): "no such command",
        await order(town, "seek"): "position_ms",
        await order(town, "seek", position_ms=10**9): "only",
        await order(town, "volume", level=10**9): "from 0 to 200",
    }
    for command_id, said in wrong.items():
        row = await outcome(town, command_id)
        assert (row["status"], said in row["error"]) == ("failed", True), row
    assert town.players()[0].state()["connected"]


async def test_what_an_outage_kept_waiting_for_too_long_is_not_carried_out(town: Town) -> None:
    await town.play("night")
    await town.rows("active_sessions")
    await town.supabase.down()
    late = await order(town, "stop", "61 s")
    fresh = await order(town, "volume", level=70)
    await town.supabase.up()
    assert (await outcome(town, late))["status"] == "failed"
    assert (await outcome(town, fresh))["status"] == "completed"
    await town.rows("active_sessions", playing("Night"))


@pytest.mark.parametrize("missing", ["function", "table"])
async def test_a_queue_that_is_not_there_is_said_and_takes_nothing_along(quiet_town: Town, missing: str) -> None:
    town = quiet_town
    await town.supabase.execute(
        "drop table public.command_queue"
        if missing == "table"
        else "drop function public.claim_commands; notify pgrst, 'reload schema'"
    )
    await town.bot.start()
    await town.bot.started()
    await town.play("night")
    await town.rows("active_sessions")

    def told(rows: Rows) -> bool:
        return any("dashboard" in row["message"] and "migrations/" in row["message"] for row in rows)

    await town.rows("bot_logs", told)
    status, body = await town.health("/readyz")
    assert status == 200, body


async def test_a_bot_killed_in_mid_command_does_not_carry_it_out_again(town: Town) -> None:
    await town.play("night")
    # The node hangs, so the command is on its way when the bot dies.
    town.world.lavalink.slow(30)
    command_id = await order(town, "pause")
    await town.rows("command_queue", lambda rows: rows[0]["status"] == "processing")
    await town.bot.kill()
    town.world.lavalink.slow(0)
    await town.bot.restart()
    await town.play("night")
    other = await order(town, "volume", level=30)
    assert (await outcome(town, other))["status"] == "completed"
    (session,) = await town.rows("active_sessions")
    assert session["is_playing"]
    await town.supabase.execute(
        f"update public.command_queue set started_at = now() - interval '61 seconds' where id = '{command_id}'"
    )
    row = await outcome(town, command_id)
    assert (row["status"], "did not report back" in row["error"]) == ("failed", True)


async def test_a_server_that_the_bot_is_not_in_is_left_to_another_bot(town: Town) -> None:
    stranger = await order(town, "pause", guild_id="123456789")
    await town.play("night")
    await carried_out(town, "pause")
    (row,) = [row for row in await town.supabase.rows("command_queue") if row["id"] == stranger]
    assert row["status"] == "pending"
