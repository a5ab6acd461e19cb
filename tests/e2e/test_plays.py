"""Every way a track can start, change or end leaves the right rows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import pytest

from tests.e2e.conftest import Rows, Town

TOLERANCE_MS = 1_000


def ended(rows: Rows) -> bool:
    return bool(rows) and all(row["ended_at"] for row in rows)


def reasons(rows: Rows) -> list[str]:
    return [row["end_reason"] for row in sorted(rows, key=lambda row: row["created_at"])]


def assert_heard_as_lavalink_sent(town: Town, rows: Rows, *, sent_since_ms: float = 0) -> None:
    """`played_ms` is Lavalink's own account of the sound, within a second; it may have sent some more since."""
    heard: dict[str, int] = {}
    for play in town.world.lavalink.account.plays:
        play_id = str(play.user_data["play_id"])
        heard[play_id] = heard.get(play_id, 0) + play.heard_ms
    for row in rows:
        more = heard[row["event_id"]] - row["played_ms"]
        assert -TOLERANCE_MS <= more <= TOLERANCE_MS + sent_since_ms, (row, heard)


async def test_a_track_that_plays_to_its_end(town: Town) -> None:
    before = datetime.now().astimezone()
    await town.play("morning")
    (session,) = await town.rows("active_sessions")
    assert (session["guild_id"], session["is_playing"], session["duration_ms"]) == (
        str(town.world.guild.id),
        True,
        9_600,
    )
    (play,) = await town.rows("music_history")
    assert (play["requested_by"], play["ended_at"], play["played_ms"]) == ("alice", None, None)
    assert "Morning Light" in play["track_title"] == session["track_title"]
    assert abs((datetime.fromisoformat(play["created_at"]) - before).total_seconds()) < 3
    await town.rows("active_sessions", lambda rows: bool(rows) and rows[0]["position_ms"] > 3_000)
    await town.rows("active_sessions", lambda rows: not rows, timeout=15)
    (play,) = await town.rows("music_history", ended)
    assert (play["end_reason"], play["event_id"]) == ("finished", play["event_id"])
    assert abs(play["played_ms"] - 9_600) <= TOLERANCE_MS
    assert_heard_as_lavalink_sent(town, [play])


async def test_pause_resume_and_seek_show_at_once_and_do_not_count_as_heard(town: Town) -> None:
    await town.play("rainy")
    await town.ask("pause")
    (paused,) = await town.rows("active_sessions", lambda rows: bool(rows) and not rows[0]["is_playing"])
    await town.ask("seek", position="6")
    (sought,) = await town.rows("active_sessions", lambda rows: bool(rows) and rows[0]["position_ms"] == 6_000)
    assert not sought["is_playing"]
    await town.ask("resume")
    (resumed,) = await town.rows("active_sessions", lambda rows: bool(rows) and rows[0]["is_playing"])
    assert 6_000 <= resumed["position_ms"] < 7_000
    assert paused["position_ms"] < 3_000
    await town.ask("stop")
    (play,) = await town.rows("music_history", ended)
    assert play["end_reason"] == "stopped"
    assert_heard_as_lavalink_sent(town, [play])
    await town.rows("active_sessions", lambda rows: not rows)


async def test_the_position_is_right_when_it_was_written(town: Town) -> None:
    await town.play("night")
    (early,) = await town.rows("active_sessions", lambda rows: bool(rows) and rows[0]["position_ms"] > 1_000)
    (late,) = await town.rows("active_sessions", lambda rows: rows[0]["position_ms"] > 4_000)
    passed = datetime.fromisoformat(late["updated_at"]) - datetime.fromisoformat(early["updated_at"])
    assert abs((late["position_ms"] - early["position_ms"]) - passed.total_seconds() * 1_000) < TOLERANCE_MS


async def test_skipping_goes_on_with_the_queue_and_a_new_row(town: Town) -> None:
    await town.play("morning")
    await town.ask("play", query="rainy")
    await town.ask("skip")
    rows = await town.rows("music_history", lambda rows: len(rows) == 2)
    assert [row["end_reason"] for row in rows] == ["skipped", None]
    (session,) = await town.rows("active_sessions", lambda rows: bool(rows) and "Rainy" in rows[0]["track_title"])
    assert session["position_ms"] < 3_000
    await town.ask("stop")
    rows = await town.rows("music_history", ended)
    assert reasons(rows) == ["skipped", "stopped"]
    assert_heard_as_lavalink_sent(town, rows)


async def test_skipping_while_paused_plays_the_next(town: Town) -> None:
    await town.play("morning")
    await town.ask("play", query="rainy")
    await town.ask("pause")
    await town.ask("skip")
    (session,) = await town.rows("active_sessions", lambda rows: bool(rows) and "Rainy" in rows[0]["track_title"])
    assert session["is_playing"]
    assert not town.players()[0].paused


@pytest.mark.parametrize(
    ("query", "reason"),
    [("fail404", "failed"), ("fail-midway", "failed")],
)
async def test_a_track_that_breaks_is_failed_and_said(town: Town, query: str, reason: str) -> None:
    await town.world.alice.join(town.world.voice)
    await town.ask("play", query=query)
    (play,) = await town.rows("music_history", ended)
    assert play["end_reason"] == reason
    await town.rows("active_sessions", lambda rows: not rows)
    await town.world.discord.wait_for_message(town.world.general, lambda message: "rouble" in message.text, 10)


async def test_a_stuck_track_is_passed_over(town: Town) -> None:
    await town.world.alice.join(town.world.voice)
    await town.ask("play", query="stuck")
    await town.ask("play", query="rainy")
    rows = await town.rows("music_history", lambda rows: len(rows) == 2, timeout=20)
    assert rows[0]["end_reason"] == "stuck"
    await town.rows("active_sessions", lambda rows: bool(rows) and "Rainy" in rows[0]["track_title"])


async def test_a_live_stream_has_no_length(town: Town) -> None:
    await town.play("livestream")
    (play,) = await town.rows("music_history")
    (session,) = await town.rows("active_sessions")
    assert (play["duration_ms"], session["duration_ms"]) == (0, 0)
    refused = await town.ask("seek", position="10")
    assert refused.messages[0].ephemeral
    await town.ask("stop")
    (play,) = await town.rows("music_history", ended)
    assert_heard_as_lavalink_sent(town, [play])


async def kicked(town: Town) -> None:
    town.world.discord.kick_bot_from_voice(town.world.guild)


async def channel_deleted(town: Town) -> None:
    town.world.voice.delete()


async def server_left(town: Town) -> None:
    town.world.guild.remove_bot()


@pytest.mark.parametrize("leaves", [kicked, channel_deleted, server_left])
async def test_what_takes_the_bot_away_ends_the_play(town: Town, leaves: Callable[[Town], Awaitable[None]]) -> None:
    await town.play("morning")
    await town.rows("active_sessions")
    await leaves(town)
    (play,) = await town.rows("music_history", ended)
    assert play["end_reason"] in {"stopped", "lost"}
    await town.rows("active_sessions", lambda rows: not rows)
    await town.world.lavalink.until(lambda: not town.players() or town.players()[0].current is None, 10)
    assert_heard_as_lavalink_sent(town, [play])


async def test_moved_to_another_channel_it_plays_on_in_the_same_row(town: Town) -> None:
    await town.play("morning")
    other = town.world.guild.add_voice_channel("elsewhere")
    town.world.discord.move_bot(other)
    await town.rows("active_sessions", lambda rows: bool(rows) and rows[0]["position_ms"] > 4_000)
    refused = await town.ask("skip")
    assert refused.messages[0].ephemeral
    await town.rows("active_sessions", lambda rows: not rows, timeout=15)
    (play,) = await town.rows("music_history", ended)
    assert play["end_reason"] == "finished"


async def test_a_node_that_crashes_and_comes_back_goes_on_with_the_same_play(town: Town) -> None:
    await town.play("night")
    await town.rows("active_sessions", lambda rows: bool(rows) and rows[0]["position_ms"] > 1_500)
    await town.world.lavalink.down()
    (frozen,) = await town.rows("active_sessions", lambda rows: bool(rows) and not rows[0]["is_playing"])
    await asyncio.sleep(1)  # time in which nothing plays, so that it would show if it were counted
    await town.world.lavalink.up()
    (back,) = await town.rows("active_sessions", lambda rows: bool(rows) and rows[0]["is_playing"], timeout=25)
    assert abs(back["position_ms"] - frozen["position_ms"]) < 2 * TOLERANCE_MS
    await town.ask("stop")
    (play,) = await town.rows("music_history", ended)
    assert play["end_reason"] == "stopped"
    assert_heard_as_lavalink_sent(town, [play])


async def test_a_cut_connection_to_the_node_is_resumed_without_a_gap(town: Town) -> None:
    await town.play("night")
    await town.rows("active_sessions", lambda rows: bool(rows) and rows[0]["position_ms"] > 1_500)
    await town.world.lavalink.reset()
    await town.rows(
        "active_sessions", lambda rows: bool(rows) and rows[0]["is_playing"] and rows[0]["position_ms"] > 4_000
    )
    await town.ask("stop")
    (play,) = await town.rows("music_history", ended)
    assert_heard_as_lavalink_sent(town, [play])


async def test_a_clean_stop_ends_plays_as_shutdown_and_leaves_no_session(town: Town) -> None:
    await town.play("morning")
    await town.rows("active_sessions")
    loop = asyncio.get_running_loop()
    begun = loop.time()
    assert await town.bot.terminate() == 0
    took = loop.time() - begun
    assert took < 5
    (play,) = await town.supabase.rows("music_history")
    assert play["end_reason"] == "shutdown"
    # The play ends with the signal; on a busy machine Lavalink hears of it later.
    assert_heard_as_lavalink_sent(town, [play], sent_since_ms=min(took * 1000, 2_000))
    assert await town.supabase.rows("active_sessions") == []


async def test_after_kill_minus_nine_no_ghost_stays(town: Town) -> None:
    await town.play("night")
    await town.rows("active_sessions")
    await town.bot.kill()
    assert len(await town.supabase.rows("active_sessions")) == 1
    await town.bot.restart()
    await town.rows("active_sessions", lambda rows: not rows)
    (play,) = await town.supabase.rows("music_history")
    assert play["ended_at"] is None  # it may still be resumed within the minute
    use: Any = await town.play("rainy")
    assert use.text


async def test_two_guilds_do_not_mix(town: Town) -> None:
    other = town.world.discord.add_guild("Other", locale="ja")
    hall, voice = other.add_text_channel("hall"), other.add_voice_channel("voice")
    carol = other.add_member("carol", locale="ja")
    await town.play("morning")
    await carol.join(voice)
    use = await carol.slash("play", {"query": "rainy"}, channel=hall)
    await use.answered(timeout=10)
    rows = await town.rows("active_sessions", lambda rows: len(rows) == 2)
    assert {row["guild_id"] for row in rows} == {str(town.world.guild.id), str(other.id)}
    await town.ask("stop")
    (left,) = await town.rows("active_sessions", lambda rows: len(rows) == 1)
    assert left["guild_id"] == str(other.id)
