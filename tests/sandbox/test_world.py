"""The bot in the sandbox sees the sandbox and nothing of its caller's."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

import pytest

from sandbox import bot_process
from sandbox.bot_process import BotEnded, BotProcess
from sandbox.world import World

ROOT = Path(__file__).parents[2]
# gRPC's own variable, which may be set around the bot.
CONTRACT = set(re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)) | {
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"
}


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "my music"
    folder.mkdir()
    return folder


async def test_the_stand_ins_start_in_under_a_second(music: Path) -> None:
    begun = time.process_time()  # whatever else the machine does
    async with World(music, supabase=False):
        assert time.process_time() - begun < 1


async def test_the_environment_has_only_names_of_the_contract_and_only_addresses_of_loopback(
    music: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUPABASE_URL", "https://mine.supabase.co")
    monkeypatch.setenv("DISCORD_TOKEN", "mine")
    async with World(music, supabase=False) as world:
        environment = world.environment(tmp_path)
    assert not environment.keys() - CONTRACT
    assert "SUPABASE_URL" not in environment
    assert environment["DISCORD_TOKEN"] != "mine"
    addresses = [value for name, value in environment.items() if name.endswith(("_URL", "_NODES", "_ENDPOINT"))]
    assert addresses
    assert all("127.0.0.1:" in address or "localhost:" in address for address in addresses)


async def test_the_caller_s_own_settings_never_reach_the_bot(
    music: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "print environment.py"
    script.write_text("import os, pathlib; print(sorted(os.environ)); print(pathlib.Path('.env').exists())")
    (tmp_path / ".env").write_text("GEMINI_MODEL=mine")
    (tmp_path / "run").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(bot_process, "BOT", script)
    monkeypatch.setenv("GEMINI_MODEL", "mine")
    monkeypatch.setenv("discord_token", "mine")
    async with World(music, supabase=False) as world:
        bot = BotProcess({"HTTP_PORT": "x"}, tmp_path / "run" / "bot.log", world.discord)
        await bot.start()
        assert await bot.wait() == 0
    assert "GEMINI_MODEL" not in bot.log()
    assert "discord_token" not in bot.log()
    assert "HTTP_PORT" in bot.log()
    assert "False" in bot.log(), "no .env lies where the bot runs"


async def test_a_bot_that_ends_before_it_is_ready_is_told_with_its_last_words(
    music: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "bot.py"
    script.write_text("import sys; sys.exit('DISCORD_TOKEN is wrong')")
    monkeypatch.setattr(bot_process, "BOT", script)
    async with (
        World(music, supabase=False) as world,
        BotProcess({}, tmp_path / "bot.log", world.discord) as bot,
    ):
        with pytest.raises(BotEnded, match=r"ended with 1: .*DISCORD_TOKEN is wrong"):
            await bot.started()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's death")
async def test_the_bot_never_outlives_the_sandbox(music: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "bot.py"
    script.write_text("import time; time.sleep(600)")
    monkeypatch.setattr(bot_process, "BOT", script)
    async with World(music, supabase=False) as world:
        async with BotProcess({}, tmp_path / "bot.log", world.discord) as bot:
            assert bot.running
        assert not bot.running
        assert await bot.wait() == -15
