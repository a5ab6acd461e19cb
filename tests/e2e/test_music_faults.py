"""Music under faults, by the bot as a process: everybody is answered in time, the rows are true, and it works after."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox.discord import Interaction
from sandbox.lavalink import LavalinkStandIn
from tests.e2e.conftest import Rows, Town
from tests.e2e.test_plays import assert_heard_as_lavalink_sent, ended
from tests.silence import write_silence


@pytest.mark.parametrize("hung", ["voice", "/v4/loadtracks", "/v4/sessions"])
async def test_a_stop_in_the_middle_of_a_play_command_is_clean(town: Town, hung: str) -> None:
    await town.world.alice.join(town.world.voice)
    town.world.lavalink.hang_voice() if hung == "voice" else town.world.lavalink.hang(hung)
    use = await town.world.alice.slash("play", {"query": "morning"}, channel=town.world.general)
    await use.finished(lambda use: use.acknowledged)
    await asyncio.sleep(0.5)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    assert await town.bot.terminate() == 0
    assert loop.time() - begun < 5
    assert await town.supabase.rows("active_sessions") == []
    assert all(row["ended_at"] for row in await town.supabase.rows("music_history"))


@pytest.mark.parametrize(
    "command", [("pause", {}), ("skip", {}), ("seek", {"position": "3"}), ("volume", {"level": 50}), ("stop", {})]
)
async def test_a_node_that_stops_answering_in_mid_play_leaves_nobody_waiting(
    town: Town, command: tuple[str, dict[str, object]]
) -> None:
    await town.play("night")
    name, options = command
    town.world.lavalink.hang("/v4/sessions")
    use = await town.world.alice.slash(name, options, channel=town.world.general)
    await use.finished(lambda use: use.text, timeout=15)
    assert not use.failed
    assert len(use.messages) == 1
    town.world.lavalink.heal()
    if name == "stop":
        await town.rows("active_sessions", lambda rows: not rows)
    await town.play("morning")
    await town.ask("stop")
    rows = await town.rows("music_history", ended)
    assert all(row["end_reason"] in {"stopped", "skipped"} for row in rows)
    await town.rows("active_sessions", lambda rows: not rows)


async def test_a_playlist_of_600_tracks_is_queued_as_far_as_there_is_room(town: Town) -> None:
    folder = town.world.music / "many"
    folder.mkdir()
    for number in range(600):
        write_silence(folder / f"song {number:03}.wav", 600)
    use = await town.play(town.world.lavalink.file_url("many"))
    assert "500" in use.text
    # Tracks shorter than a second, one after the other: each has its row, and each was heard.
    rows = await town.rows("music_history", lambda rows: sum(bool(row["ended_at"]) for row in rows) >= 4, timeout=15)
    await town.ask("stop")
    rows = await town.rows("music_history", ended)
    assert {row["end_reason"] for row in rows} <= {"finished", "stopped"}
    assert_heard_as_lavalink_sent(town, rows)
    await town.rows("active_sessions", lambda rows: not rows)


async def test_fifty_servers_at_once_are_answered_in_time_and_share_the_writing(town: Town) -> None:
    discord = town.world.discord
    people = []
    for number in range(50):
        guild = discord.add_guild(f"Server {number}")
        room, voice = guild.add_text_channel("room"), guild.add_voice_channel("voice")
        member = guild.add_member(f"member{number}")
        await member.join(voice)
        people.append((member, room))

    async def play(member: object, room: object) -> Interaction:
        use = await member.slash("play", {"query": "night"}, channel=room)  # type: ignore[attr-defined]
        await use.finished(lambda use: use.acknowledged, timeout=3)
        return await use.finished(lambda use: use.text, timeout=30)

    uses = await asyncio.gather(*(play(*person) for person in people))
    assert not any(use.failed for use in uses)
    rows = await town.rows("active_sessions", lambda rows: len(rows) == 50, timeout=20)
    stamps: Counter[str] = Counter()
    seen: dict[str, str] = {}
    begun, elapsed = time.monotonic(), 0.0
    # 6 s, and on a busy machine until each has had its turn.
    while elapsed < 6 or ((len(seen) < 50 or min(stamps.values()) < 2) and elapsed < 20):
        await asyncio.sleep(0.5)
        rows = await town.supabase.rows("active_sessions")
        elapsed = time.monotonic() - begun
        for row in rows:
            if seen.get(row["guild_id"]) != row["updated_at"]:
                seen[row["guild_id"]] = row["updated_at"]
                stamps[row["guild_id"]] += 1
    # POSITION_INTERVAL is 1 s here, but 50 playing servers / 20 is longer: each is written every 2.5 s.
    assert all(2 <= stamps[guild_id] <= elapsed / 2.5 + 2.6 for guild_id in seen), stamps
    places = {player.guild_id: player.position for player in town.players()}
    now = datetime.now().astimezone()
    for row in rows:
        age = (now - datetime.fromisoformat(row["updated_at"])).total_seconds() * 1_000
        assert abs(row["position_ms"] + age - places[int(row["guild_id"])]) < 1_500


@pytest_asyncio.fixture
async def two_nodes(quiet_town: Town, tmp_path: Path) -> AsyncIterator[tuple[Town, LavalinkStandIn]]:
    """A town whose bot has a second node."""
    async with LavalinkStandIn(music=quiet_town.world.music) as second:
        quiet_town.configure(LAVALINK_NODES=f"{quiet_town.world.lavalink.uri},{second.uri}")
        await quiet_town.bot.start()
        await quiet_town.bot.started()
        yield quiet_town, second


async def test_when_one_of_two_nodes_dies_the_other_plays_on(two_nodes: tuple[Town, LavalinkStandIn]) -> None:
    town, second = two_nodes
    first = town.world.lavalink
    await town.world.alice.join(town.world.voice)
    await town.ask("play", query="night")
    await town.rows("active_sessions", lambda rows: bool(rows) and rows[0]["position_ms"] > 1_000)
    playing, other = (first, second) if first.players() else (second, first)
    await playing.down()
    await town.rows("active_sessions", lambda rows: bool(rows) and not rows[0]["is_playing"])
    (back,) = await town.rows("active_sessions", lambda rows: bool(rows) and rows[0]["is_playing"], timeout=10)
    await town.rows("active_sessions", lambda rows: bool(rows) and rows[0]["position_ms"] > back["position_ms"] + 1_000)
    await town.ask("stop")
    (play,) = await town.rows("music_history", ended)
    heard = sum(each.heard_ms for each in [*first.account.plays, *second.account.plays])
    assert play["end_reason"] == "stopped"
    assert abs(play["played_ms"] - heard) < 1_000
    assert not any(player.current for player in other.players())


def playing_somewhere(rows: Rows) -> bool:
    return bool(rows) and all(row["is_playing"] for row in rows)


async def test_a_new_gateway_session_in_mid_play_keeps_the_play(town: Town) -> None:
    await town.play("night")
    await town.rows("active_sessions", playing_somewhere)
    await town.world.discord.invalidate_sessions()
    await asyncio.sleep(0.5)
    await town.world.discord.bot_ready()
    await town.world.lavalink.until(lambda: any(p.voice.connected for p in town.players()), 15)
    await town.ask("pause")
    (play,) = await town.rows("music_history")
    assert play["ended_at"] is None
    await town.ask("stop")
    (play,) = await town.rows("music_history", ended)
    assert_heard_as_lavalink_sent(town, [play])


@pytest.mark.parametrize("code", [None, 4014, 4022])
async def test_a_new_voice_region_keeps_the_play(town: Town, code: int | None) -> None:
    await town.play("night")
    await asyncio.sleep(0.5)
    if code is not None:
        # The old voice server's goodbye overtakes the word of the new one: they come over different connections.
        town.world.lavalink.close_voice(town.world.guild.id, code)
    town.world.discord.change_voice_region(town.world.guild, "japan")
    await town.world.lavalink.until(lambda: all(p.voice.connected for p in town.players()), 10)
    await town.rows("active_sessions", lambda rows: bool(rows) and rows[0]["position_ms"] > 2_000)
    await town.ask("stop")
    (play,) = await town.rows("music_history", ended)
    assert_heard_as_lavalink_sent(town, [play])
