"""How the process begins and ends when the world is against it: in words, in time, with the right exit code."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
from pathlib import Path

import pytest

from tests.e2e.conftest import Town


async def said(town: Town, words: str, timeout: float = 20) -> None:
    """Wait until the bot has printed `words`."""
    async with asyncio.timeout(timeout):
        while words not in town.bot.log():
            await asyncio.sleep(0.05)


async def ends_in_time(town: Town) -> int:
    """SIGTERM twice; the exit code."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    os.kill(town.bot.pid, signal.SIGTERM)
    code = await town.bot.terminate()
    assert loop.time() - begun < 5
    return code


def a_file(folder: Path) -> Path:
    (folder / "taken").write_text("x")
    return folder / "taken"


def a_folder_in_the_files_place(folder: Path) -> Path:
    (folder / "store" / "bot.db").mkdir(parents=True)
    return folder / "store"


def not_writable(_: Path) -> Path:
    return Path("/proc/store")


def somebody_elses_database(folder: Path) -> Path:
    (folder / "theirs").mkdir()
    with sqlite3.connect(folder / "theirs" / "bot.db") as connection:
        connection.execute("CREATE TABLE music_history (x)")
    connection.close()
    return folder / "theirs"


@pytest.mark.parametrize("place", [a_file, a_folder_in_the_files_place, not_writable, somebody_elses_database])
async def test_a_data_dir_that_cannot_be_used_is_said_in_words(quiet_town: Town, tmp_path: Path, place: object) -> None:
    assert callable(place)
    quiet_town.configure(DATA_DIR=str(place(tmp_path)), DEFAULT_LOCALE="ja")
    await quiet_town.bot.start()
    assert await quiet_town.bot.wait() == 1
    assert "DATA_DIR" in quiet_town.bot.log()
    assert "を使えません" in quiet_town.bot.log()


async def test_an_env_file_in_another_encoding_is_named(quiet_town: Town, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes("# 設定\n".encode("shift_jis"))
    await quiet_town.bot.start()
    assert await quiet_town.bot.wait() == 2
    assert ".env" in quiet_town.bot.log()


async def test_a_discord_that_is_away_at_the_start_is_waited_for_without_noise(quiet_town: Town) -> None:
    await quiet_town.world.discord.down()
    await quiet_town.bot.start()
    await said(quiet_town, "Discord does not answer")
    status, body = await quiet_town.health("/readyz")
    assert status == 503
    assert "Discord has not let the bot in yet" in body
    await quiet_town.world.discord.up()
    await quiet_town.bot.started()
    await quiet_town.ask("status")
    await quiet_town.world.discord.down()
    await said(quiet_town, "Attempting a reconnect")
    assert (await quiet_town.health("/livez"))[0] == 200
    assert await ends_in_time(quiet_town) == 0
    assert "Unclosed" not in quiet_town.bot.log()


async def test_it_stops_while_discord_is_away(quiet_town: Town) -> None:
    await quiet_town.world.discord.down()
    await quiet_town.bot.start()
    await said(quiet_town, "Discord does not answer")
    assert await ends_in_time(quiet_town) == 0


async def test_it_stops_while_discord_does_not_answer(quiet_town: Town) -> None:
    quiet_town.world.discord.slow(60)
    await quiet_town.bot.start()
    await quiet_town.supabase.until(lambda: len(quiet_town.supabase.requests) >= 2, 20)
    assert await ends_in_time(quiet_town) == 0


async def test_ctrl_c_while_python_still_imports_is_a_clean_stop(quiet_town: Town) -> None:
    await quiet_town.bot.start()
    maps = Path(f"/proc/{quiet_town.bot.pid}/maps")
    async with asyncio.timeout(20):
        # The first compiled part of a package: the program runs, and has much to import yet.
        while "site-packages" not in maps.read_text():
            await asyncio.sleep(0.001)
    os.kill(quiet_town.bot.pid, signal.SIGINT)
    assert await quiet_town.bot.wait() == 0
    assert quiet_town.bot.log() == ""


@pytest.mark.parametrize("moment", [0.1, 0.6, 1.0, 1.5, 2.0])
async def test_a_stop_in_the_middle_of_the_start_is_a_stop(quiet_town: Town, moment: float) -> None:
    await quiet_town.bot.start()
    await asyncio.sleep(moment)
    # Before Python has got to the program the system ends the process: there is nothing to close yet.
    assert await ends_in_time(quiet_town) in {0, -signal.SIGTERM}


@pytest.mark.parametrize(("code", "exits", "words"), [(4004, 2, "DISCORD_TOKEN"), (4014, 1, "4014"), (4013, 1, "4013")])
async def test_a_gateway_that_closes_for_good_is_said_in_one_sentence(
    town: Town, code: int, exits: int, words: str
) -> None:
    await town.play("night")
    await town.rows("active_sessions")
    await town.world.discord.close_gateway(code)
    assert await town.bot.wait() == exits
    assert words in town.bot.log()
    await town.rows("active_sessions", lambda rows: not rows)


async def test_it_stops_in_time_with_everything_hanging(town: Town) -> None:
    await town.play("morning")
    await town.rows("active_sessions")
    town.supabase.slow(60)
    town.world.lavalink.hang("/")
    town.world.discord.slow(60)
    assert await ends_in_time(town) == 0
    with sqlite3.connect(Path(town.environment["DATA_DIR"]) / "bot.db") as store:
        assert store.execute("SELECT end_reason FROM music_history").fetchall() == [("shutdown",)]
    store.close()


async def test_a_stop_while_an_answer_is_on_its_way_is_no_fault(town: Town) -> None:
    discord = town.world.discord
    discord.slow(60)
    await town.world.alice.slash("status", channel=town.world.general)
    await discord.wait_until(lambda: any(request.path.endswith("/callback") for request in discord.requests))
    assert await ends_in_time(town) == 0
    assert "could not be answered any more" in town.bot.log()
    assert "ERROR" not in town.bot.log()


async def test_a_session_in_a_server_that_the_bot_lost_while_it_was_down_is_removed(town: Town) -> None:
    await town.play("night")
    await town.rows("active_sessions")
    await town.bot.kill()
    (Path(town.environment["DATA_DIR"]) / "bot.db").unlink()
    town.world.guild.remove_bot()
    await town.bot.start()
    await town.rows("active_sessions", lambda rows: not rows, timeout=20)
