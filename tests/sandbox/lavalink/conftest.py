from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.lavalink import LavalinkStandIn
from sandbox.real_lavalink import RealLavalink
from tests.sandbox.lavalink.client import LavalinkClient
from tests.silence import write_silence


@pytest.fixture(scope="session")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """short.wav (600 ms), second.wav (1 s), long.wav (60 s), untagged.wav, an album, and no audio."""
    folder = tmp_path_factory.mktemp("music folder")
    write_silence(folder / "short.wav", 600, "Morning Short", "Alice")
    write_silence(folder / "second.wav", 1000, "Second", "Bob")
    write_silence(folder / "long.wav", 60_000, "Long Morning", "Bob")
    write_silence(folder / "untagged.wav", 500)
    (folder / "album").mkdir()
    write_silence(folder / "album" / "01 one.wav", 400, "One", "Carol")
    write_silence(folder / "album" / "02 two.wav", 400, "Two", "Carol")
    (folder / "broken.mp3").write_bytes(b"no music")
    (folder / "list.m3u").write_text("http://127.0.0.1/long.wav\n")
    (folder / "none.m3u").write_text("#EXTM3U\n")
    return folder


@pytest.fixture
async def lavalink(music: Path) -> AsyncIterator[LavalinkStandIn]:
    async with LavalinkStandIn(music=music, races=False, stuck_threshold_ms=200, slow_load_s=0.2) as lavalink:
        yield lavalink


@pytest.fixture
async def proxy(lavalink: LavalinkStandIn, music: Path) -> AsyncIterator[RealLavalink]:
    async with RealLavalink(lavalink.uri, music=music) as proxy:
        yield proxy


@pytest.fixture
async def client(lavalink: LavalinkStandIn) -> AsyncIterator[LavalinkClient]:
    async with LavalinkClient(lavalink) as client:
        yield client
