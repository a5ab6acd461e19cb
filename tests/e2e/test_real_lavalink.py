"""Another Lavalink in the stand-in's place; here it is a second stand-in, which knows nothing of this world."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox.console import script
from sandbox.console.main import TOUR
from sandbox.discord_voice import VoiceServer, authority
from sandbox.discord_voice.authority import CERTIFICATE
from sandbox.lavalink import LavalinkStandIn
from sandbox.world import VOICE_FOLDER, World
from tests.e2e.conftest import Town
from tests.e2e.lavalink_voice import Speaker
from tests.real_parts import require

ROOT = Path(__file__).parents[2]
PASSWORD = "its own: password"


@pytest_asyncio.fixture
async def other(tmp_path: Path) -> AsyncIterator[LavalinkStandIn]:
    empty = tmp_path / "no music"
    empty.mkdir()
    async with LavalinkStandIn(PASSWORD, music=empty) as other:
        following = asyncio.create_task(Speaker(other, tmp_path / "voice" / CERTIFICATE).follow())
        yield other
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following


@pytest_asyncio.fixture
async def town(other: LavalinkStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Town]:
    monkeypatch.setattr("sandbox.world.VOICE_FOLDER", tmp_path / "voice")
    async with World(supabase=False, real_lavalink=other.uri) as world:
        town = Town(world, tmp_path)
        async with town.bot:
            await town.bot.started()
            yield town
        town.judge()


async def test_the_bot_plays_on_another_lavalink(town: Town, other: LavalinkStandIn) -> None:
    world = town.world
    await town.play("morning")
    (player,) = world.lavalink.players(world.guild.id)
    assert player.current is not None
    assert "Morning Light" in player.current.info.title
    (real,) = other.players()
    assert world.voice_server is not None
    assert real.voice.state.endpoint == world.voice_server.endpoint
    sound = world.voice_server.sound(world.guild.id)
    await world.voice_server.until(lambda: sound.packets > 20)
    await town.ask("pause")
    await world.lavalink.until(lambda: player.paused)
    await town.ask("resume")
    await world.lavalink.until(lambda: not player.paused)
    before = sound.packets
    await world.voice_server.until(lambda: sound.packets > before)
    assert (sound.broken, sound.lost, sound.unheard) == (0, 0, 0)
    await town.ask("stop")
    await other.until(lambda: not other.players())
    await world.lavalink.until(lambda: player.current is None)


async def test_who_puts_the_bot_out_ends_its_voice_connection(town: Town, other: LavalinkStandIn) -> None:
    world = town.world
    await town.play("morning")
    voice = world.voice_server
    assert voice is not None
    await voice.until(lambda: voice.sound(world.guild.id).packets > 0)
    world.discord.kick_bot_from_voice(world.guild)
    await voice.until(lambda: voice.closes == [4014])
    await other.until(lambda: not any(player.current for player in other.players()))


async def test_what_the_folder_lacks_is_not_looked_for_in_the_world_outside(town: Town, other: LavalinkStandIn) -> None:
    await town.world.alice.join(town.world.voice)
    await town.ask("play", query="nothing like it")
    await other.until(lambda: any("loadtracks" in request.path for request in other.requests))
    assert not any("search" in request.path for request in other.requests)


@contextmanager
def node(folder: Path) -> Generator[tuple[str, subprocess.Popen[str]]]:
    """The address of a Lavalink that is another process, and that process."""
    command = [sys.executable, "-m", "tests.e2e.lavalink_node", str(folder), str(VOICE_FOLDER / CERTIFICATE)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip(), process
        finally:
            process.kill()


@pytest.mark.timeout(120)
def test_the_same_tour_holds_on_another_lavalink(tmp_path: Path) -> None:
    lines = [line for line in script.read(TOUR) if not line.is_comment]
    # Short, for PostgreSQL's socket lies in it, and open to the user that PostgreSQL runs as.
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="tour-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        with node(tmp_path) as (address, process):
            run = subprocess.run(
                [sys.executable, "-m", "tests.e2e.judged_sandbox"],
                cwd=ROOT,
                env=_environment(LAVALINK_REAL=address, TMPDIR=folder),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=100,
                check=False,
            )
            heard = process.communicate(timeout=10)[0]
    assert process.returncode == 0
    assert run.returncode == 0, run.stdout + run.stderr
    assert "real, behind a proxy" in run.stdout
    held = run.stdout.count("  ✓ ")
    skipped = sum(f"SKIPPED {line.text} (" in run.stdout for line in lines if line.is_expectation)
    assert held + skipped == sum(line.is_expectation for line in lines)
    assert run.stderr == ""
    packets, *closes = heard.split()
    # Some seconds of sound, by a voice connection that nobody refused.
    assert int(packets) > 100
    assert not {*closes} - {"4014"}, closes


def test_the_authority_stays_and_java_can_read_its_store(tmp_path: Path) -> None:
    first = authority.kept_authority(tmp_path)
    assert authority.kept_authority(tmp_path).cert_pem.bytes() == first.cert_pem.bytes()
    assert (tmp_path / authority.TRUST_STORE).stat().st_size > 0


async def test_java_trusts_the_voice_server_as_readme_tells_it_to(tmp_path: Path) -> None:
    require("A JDK", None if shutil.which("javac") else "apt install default-jdk-headless")
    server = VoiceServer(lambda _: None, 1, authority=authority.kept_authority(tmp_path))
    trust = [
        f"-Djavax.net.ssl.trustStore={tmp_path / authority.TRUST_STORE}",
        f"-Djavax.net.ssl.trustStorePassword={authority.TRUST_STORE_PASSWORD}",
    ]
    readme = (ROOT / "README.md").read_text()
    assert " ".join(trust).replace(str(tmp_path), "/voice") in readme
    async with server:
        for options, said in ((trust, '"op": 8'), ([], "PKIX path building failed")):
            java = await asyncio.create_subprocess_exec(
                "java",
                *options,
                str(Path(__file__).with_name("VoiceHello.java")),
                f"wss://{server.endpoint}/?v=8",
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            printed, _ = await java.communicate()
            assert said in printed.decode()


def _environment(**variables: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("MUSIC", "SCRIPT")}
    return kept | variables


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://:password@127.0.0.1:1", "no Lavalink 4 answers at http://127.0.0.1:1"),
        ("127.0.0.1:2333", "it has to be http://:password@host:port"),
        ("http://:password@127.0.0.1:port", "it has to be http://:password@host:port"),
    ],
)
def test_a_lavalink_that_is_not_there_is_said_in_a_line(address: str, why: str) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "sandbox"],
        cwd=ROOT,
        env=_environment(LAVALINK_REAL=address),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert run.returncode == 2
    assert f"LAVALINK_REAL: {why}" in run.stderr
    assert "Traceback" not in run.stderr
