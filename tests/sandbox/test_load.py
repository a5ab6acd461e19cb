"""Each stand-in starts in under a second, and carries 1,000 servers on one core; seconds of the processor are
counted, which a busy machine does not change."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from tests.sandbox.alone import A_SECOND_SAID, SERVERS, STAND_INS
from tests.sandbox.lavalink.client import VOICE
from tests.silence import write_silence

ROOT = Path(__file__).parents[2]
AT_ONCE = 20
UPDATES_S = 5.0
A_SECOND = 50
"""Requests that Discord lets one bot send."""


class Alone:
    """A stand-in that is another process, kept to one core; `said` is what it printed when it listened."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._stdin = process.stdin
        self._process = psutil.Process(process.pid)
        self.said: dict[str, Any] = json.loads(process.stdout.readline())

    def tell(self) -> None:
        self._stdin.write("\n")
        self._stdin.flush()

    def used(self) -> float:
        """Seconds of the processor so far."""
        times = self._process.cpu_times()
        return times.user + times.system


@contextmanager
def alone(name: str, folder: Path) -> Generator[Alone]:
    command = [sys.executable, "-m", "tests.sandbox.alone", name, str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Alone(process)
        finally:
            process.kill()


@pytest.mark.parametrize("name", STAND_INS)
def test_a_stand_in_starts_in_under_a_second(name: str, tmp_path: Path) -> None:
    """With Python itself and all that it imports; what is waited for would show in its own start."""
    with alone(name, tmp_path) as standin:
        assert standin.said["cpu_s"] < 1
        assert standin.said["start_s"] < 1


async def test_a_thousand_players_are_updated_every_five_seconds_on_half_a_core(tmp_path: Path) -> None:
    write_silence(tmp_path / "long.wav", 60_000)
    headers = {"Authorization": "youshallnotpass", "User-Id": "1"}
    with alone("lavalink", tmp_path) as lavalink:
        async with aiohttp.ClientSession(lavalink.said["address"], headers=headers) as http:
            socket = await http.ws_connect("/v4/websocket")
            session = ""
            while not session:
                session = (await socket.receive_json()).get("sessionId", "")
            used = lavalink.used()
            playing = asyncio.create_task(_play_everywhere(http, session, lavalink.said["track"]))
            updated: dict[str, list[float]] = {}
            # Two come with the play, and one when its voice is there.
            while len(updated) < SERVERS or min(map(len, updated.values())) < 4:
                message = await asyncio.wait_for(socket.receive_json(), 10)
                if message["op"] == "playerUpdate":
                    updated.setdefault(message["guildId"], []).append(message["state"]["time"] / 1_000)
            await playing
            used = lavalink.used() - used
    assert used < UPDATES_S / 2
    assert all(UPDATES_S - 0.1 < times[3] - times[2] < UPDATES_S + 1.5 for times in updated.values())


async def _play_everywhere(http: aiohttp.ClientSession, session: str, url: str) -> None:
    async with http.get("/v4/loadtracks", params={"identifier": url}) as answer:
        encoded = (await answer.json())["data"]["encoded"]
    gate = asyncio.Semaphore(AT_ONCE)

    async def play(guild: int) -> None:
        fields = {"voice": VOICE, "track": {"encoded": encoded}}
        async with gate, http.patch(f"/v4/sessions/{session}/players/{guild}", json=fields) as answer:
            assert answer.status == 200

    await asyncio.gather(*(play(guild) for guild in range(SERVERS)))


async def test_a_thousand_servers_are_told_of_and_written_in_on_half_a_core(tmp_path: Path) -> None:
    with alone("discord", tmp_path) as discord:
        said, events = discord.said, zlib.decompressobj()
        async with aiohttp.ClientSession(headers={"Authorization": f"Bot {said['token']}"}) as http:
            socket = await http.ws_connect(f"{said['gateway']}/?v=10&encoding=json&compress=zlib-stream")
            identify = {"token": said["token"], "intents": 1 | 1 << 9, "properties": {}}
            await socket.send_json({"op": 2, "d": identify})
            seen = {"GUILD_CREATE": 0, "MESSAGE_CREATE": 0}

            async def until(kind: str, times: int) -> None:
                while seen[kind] < times:
                    frame = json.loads(events.decompress((await socket.receive(5)).data))
                    seen[frame["t"]] = seen.get(frame["t"], 0) + 1

            used = discord.used()
            await until("GUILD_CREATE", SERVERS)
            discord.tell()
            writing = asyncio.create_task(_write(http, said["api"], said["channels"]))
            await until("MESSAGE_CREATE", SERVERS + len(said["channels"]))
            await writing
            used = discord.used() - used
    assert used < SERVERS / A_SECOND_SAID / 2


async def _write(http: aiohttp.ClientSession, api: str, channels: list[str]) -> None:
    for channel in channels:
        async with http.post(f"{api}/channels/{channel}/messages", json={"content": "hello"}) as answer:
            assert answer.status == 200
        await asyncio.sleep(1 / A_SECOND)
