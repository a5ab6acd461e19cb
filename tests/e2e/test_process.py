"""The process: how it starts, what it says of itself, how it ends, and that one thing down takes nothing along."""

from __future__ import annotations

import asyncio
import json

from sandbox.bot_process import BotProcess
from tests.e2e.conftest import Rows, Town


async def test_wrong_settings_are_all_named_and_the_exit_code_is_two(quiet_town: Town) -> None:
    quiet_town.configure(DISCORD_TOKEN="", HTTP_PORT="x", LOG_LEVEL="LOUD", DEFAULT_LOCALE="ja")
    await quiet_town.bot.start()
    assert await quiet_town.bot.wait() == 2
    said = quiet_town.bot.log()
    assert all(name in said for name in ("DISCORD_TOKEN", "HTTP_PORT", "LOG_LEVEL"))


async def test_a_token_that_discord_refuses_is_named(quiet_town: Town) -> None:
    quiet_town.configure(DISCORD_TOKEN="not-the-token")
    await quiet_town.bot.start()
    assert await quiet_town.bot.wait() == 2
    assert "DISCORD_TOKEN" in quiet_town.bot.log()
    assert "not-the-token" not in quiet_town.bot.log()


async def test_a_second_bot_on_the_same_folder_exits_in_words(town: Town) -> None:
    second = BotProcess(town.environment, town.bot.log_path.with_name("second.log"), town.world.discord)
    await second.start()
    assert await second.wait() == 1
    assert "DATA_DIR" in second.log()
    assert "Traceback" not in second.log()
    await town.ask("status")


async def test_the_first_statistics_have_the_nodes_ping(town: Town) -> None:
    rows = await town.rows("system_stats", timeout=15)
    assert rows[0]["ping_lavalink"] > 0
    assert rows[0]["ram_rss"] > 10
    await town.rows("system_stats", lambda rows: len(rows) >= 2)


async def test_the_bots_life_is_in_the_log(town: Town) -> None:
    def told(*words: str):
        return lambda rows: all(any(word in row["message"] for row in rows) for word in words)

    await town.rows("bot_logs", told("Started", "is ready"))
    guild = town.world.discord.add_guild("Another", locale="en-US")
    await town.rows("bot_logs", told("Joined the server Another"))
    guild.remove_bot()
    await town.rows("bot_logs", told("Left the server"))
    await town.bot.terminate()
    await town.rows("bot_logs", told("Stopping"))


async def test_the_endpoints_say_how_each_service_is(town: Town) -> None:
    await town.play("rainy")
    await town.rows("active_sessions")
    assert (await town.health("/livez"))[0] == 200
    await town.rows("bot_logs", lambda rows: any("Started" in row["message"] for row in rows))
    status, body = await town.health("/readyz")
    services = json.loads(body)["services"]
    assert status == 200
    assert {name: service["state"] for name, service in services.items()} == dict.fromkeys(
        ("discord", "lavalink", "gemini", "supabase", "store"), "ok"
    )
    _, metrics = await town.health("/metrics")
    assert 'bot_rows_accepted_total{table="music_history"} 1.0' in metrics
    assert "lavalink_players 1.0" in metrics
    assert str(town.world.guild.id) not in metrics


async def test_without_supabase_everything_goes_on_and_arrives_later(town: Town) -> None:
    await town.rows("bot_logs", lambda rows: any("Started" in row["message"] for row in rows))
    await town.supabase.down()
    await town.play("morning")
    await town.ask("skip")
    use = await town.ask("ask", prompt="hello")
    await use.finished(lambda use: "hello" in use.text, timeout=10)
    assert (await town.health("/livez"))[0] == 200
    assert (await town.health("/readyz"))[0] == 200
    await town.supabase.up()
    (play,) = await town.rows("music_history", timeout=30)
    assert play["end_reason"] == "skipped"
    await town.rows("gemini_usage", timeout=30)
    assert await town.supabase.rows("active_sessions") == []


async def test_a_missing_migration_is_named_and_the_bot_works(quiet_town: Town) -> None:
    await quiet_town.supabase.execute("drop function public.apply_sessions; notify pgrst, 'reload schema'")
    await quiet_town.bot.start()
    await quiet_town.bot.started()
    await quiet_town.play("morning")
    await quiet_town.supabase.until(
        lambda: any("apply_sessions" in request.path for request in quiet_town.supabase.requests)
    )
    status, body = await quiet_town.health("/readyz")
    for _ in range(50):
        if status == 503:
            break
        await asyncio.sleep(0.1)
        status, body = await quiet_town.health("/readyz")
    assert status == 503
    assert "migrations/" in body
    assert (await quiet_town.health("/livez"))[0] == 200


async def test_it_stops_in_five_seconds_with_supabase_hanging(town: Town) -> None:
    await town.play("morning")
    await town.rows("active_sessions")
    town.supabase.slow(60)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    assert await town.bot.terminate() == 0
    assert loop.time() - begun < 5
    town.supabase.slow(0)
    await town.bot.restart()
    (play,) = await town.rows("music_history", lambda rows: bool(rows) and rows[0]["ended_at"] is not None)
    assert play["end_reason"] == "shutdown"
    await town.rows("active_sessions", lambda rows: not rows)


async def test_without_a_node_in_the_settings_music_is_said_to_be_off(quiet_town: Town) -> None:
    quiet_town.configure(LAVALINK_NODES="")
    await quiet_town.bot.start()
    await quiet_town.bot.started()
    told = await quiet_town.ask("play", who="yuki", query="morning")
    assert told.messages[0].ephemeral
    assert "オフ" in told.text


async def test_commands_are_registered_once(town: Town) -> None:
    def registrations() -> int:
        return sum(
            record.method == "PUT" and record.path.endswith("/commands") for record in town.world.discord.requests
        )

    assert registrations() == 1
    await town.bot.restart()
    await town.ask("status")
    assert registrations() == 1


async def test_a_gateway_that_is_cut_comes_back_and_the_music_goes_on(town: Town) -> None:
    await town.play("night")
    await town.rows("active_sessions", lambda rows: bool(rows) and rows[0]["position_ms"] > 1_000)
    await town.world.discord.reset()
    await town.world.discord.bot_ready(timeout=20)
    await town.ask("pause")

    def paused(rows: Rows) -> bool:
        return bool(rows) and not rows[0]["is_playing"]

    await town.rows("active_sessions", paused)
