"""Orders from a dashboard, on players of a stand-in for Lavalink."""

from __future__ import annotations

import pytest

from sandbox.lavalink import LavalinkStandIn
from services.commands import Order, Seek, Volume
from services.errors import UserError
from services.lavalink import carry_out
from tests.services.lavalink.world import MusicWorld, until


async def give(world: MusicWorld, wish: object, guild_id: str = "7") -> None:
    await carry_out(world.nodes, world.playback, Order(guild_id, wish))  # pyright: ignore[reportArgumentType] - a test's wish


async def test_every_order_does_what_it_says(world: MusicWorld, lavalink: LavalinkStandIn) -> None:
    await world.play("long", "long", "long")
    await give(world, "pause")
    assert world.session
    assert not world.session.is_playing
    await give(world, Seek(30_000))
    assert world.session.position_ms == 30_000
    await give(world, "resume")
    assert world.session.is_playing
    await give(world, Volume(30))
    assert lavalink.players()[0].volume == 30
    await give(world, "skip")
    assert [row.end_reason for row in world.ended()] == ["skipped"]
    assert world.session.position_ms < 5_000
    await give(world, "stop")
    await until(lambda: len(world.ended()) == 2)
    assert [row.end_reason for row in world.ended()] == ["skipped", "stopped"]
    assert world.session is None


async def test_pausing_what_is_paused_changes_nothing(world: MusicWorld) -> None:
    await world.play("long")
    for wish, plays in (("resume", True), ("pause", False), ("pause", False)):
        await give(world, wish)
        assert world.session
        assert world.session.is_playing is plays


@pytest.mark.parametrize("wish", ["pause", "resume", "skip", "stop", Seek(1), Volume(1)])
async def test_where_nothing_plays_nothing_can_be_ordered(world: MusicWorld, wish: object) -> None:
    with pytest.raises(UserError, match="Nothing is playing here"):
        await give(world, wish)
    player = await world.nodes.join(world.channel())
    with pytest.raises(UserError, match="Nothing is playing here"):
        await give(world, wish)
    await player.stop_all()


@pytest.mark.parametrize(
    ("wish", "said"), [(Seek(60_000), "only 1:00 long"), (Seek(10**400), "only 1:00 long"), (Volume(201), "from 0 to")]
)
async def test_what_a_player_cannot_do_is_said(world: MusicWorld, wish: object, said: str) -> None:
    await world.play("long")
    with pytest.raises(UserError) as refusal:
        await give(world, wish)
    assert said in refusal.value.text("en")
