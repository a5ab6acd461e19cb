from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.lavalink import LavalinkStandIn
from tests.services.lavalink.world import MusicWorld
from tests.silence import write_silence


@pytest.fixture(scope="session")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("music")
    for name, milliseconds in {"short": 700, "brief": 900, "long": 60_000}.items():
        write_silence(folder / f"{name}.wav", milliseconds)
    (folder / "album").mkdir()
    for name in ("one", "two"):
        write_silence(folder / "album" / f"{name}.wav", 400)
    return folder


@pytest.fixture
async def lavalink(music: Path) -> AsyncIterator[LavalinkStandIn]:
    async with LavalinkStandIn(music=music, stuck_threshold_ms=200) as lavalink:
        yield lavalink


@pytest.fixture
async def world(lavalink: LavalinkStandIn) -> AsyncIterator[MusicWorld]:
    world = MusicWorld(lavalink.uri)
    async with world.nodes:
        yield world
