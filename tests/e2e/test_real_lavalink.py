"""Another Lavalink in the stand-in's place; here it is a second stand-in, which knows nothing of this world."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.discord_voice import authority
from sandbox.lavalink import LavalinkStandIn
from sandbox.world import World
from tests import discord_openapi
from tests.e2e.conftest import Town


async def test_the_bot_plays_on_another_lavalink(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.world.VOICE_FOLDER", tmp_path / "voice")
    empty = tmp_path / "no music"
    empty.mkdir()
    async with (
        LavalinkStandIn("its own: password", music=empty) as other,
        World(supabase=False, real_lavalink=other.uri) as world,
    ):
        town = Town(world, tmp_path)
        async with town.bot:
            await town.bot.started()
            await town.play("morning")
            (player,) = world.lavalink.players(world.guild.id)
            assert player.current is not None
            assert "Morning Light" in player.current.info.title
            (real,) = other.players()
            assert world.voice_server is not None
            assert real.voice.state.endpoint == world.voice_server.endpoint
            await town.ask("pause")
            await world.lavalink.until(lambda: player.paused)
            await town.ask("resume")
            await world.lavalink.until(lambda: not player.paused)
            await town.ask("stop")
            await other.until(lambda: not other.players())
            await world.lavalink.until(lambda: player.current is None)
        discord_openapi.check(world.discord.requests)


def test_the_authority_stays_and_java_can_read_its_store(tmp_path: Path) -> None:
    first = authority.kept_authority(tmp_path)
    assert authority.kept_authority(tmp_path).cert_pem.bytes() == first.cert_pem.bytes()
    assert (tmp_path / authority.TRUST_STORE).stat().st_size > 0
