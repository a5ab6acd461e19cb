"""What a player needs between commands: to leave when nobody listens, to play on after a fault."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from typing import Any

from services.lavalink.node import Node
from services.lavalink.player import Player
from services.playback import Playback

IDLE_S = 300.0
"""Leave after so long with nothing to play, or with nobody in the channel."""
PAUSED_S = 1800.0
"""Somebody paused and is still there: that may be a telephone call, but not a night."""
SILENT_S = 3.0
"""A voice connection that is gone for longer does not come back by itself (seen on Lavalink 4.2.2)."""
NODE_S = 60.0
"""A node that is away for longer has lost its plays."""
MOVE_S = 2.0
"""A node that is away for longer is not just being reconnected: another one takes its players."""

Care = Coroutine[Any, Any, None]


def care_for(player: Player, playback: Playback, other_node: Callable[[Node], Node | None]) -> Care | None:
    """What to do for `player` now, if anything; to be asked a few times a minute at least."""
    now = time.monotonic()
    if player.adrift_since is not None:
        return _care_adrift(player, now, other_node)
    if player.turn.locked():
        return None
    playing = playback.playing(player.key)
    if player.retry_at is not None and now >= player.retry_at and playing is None and player.upcoming:
        player.retry_at = None
        return player.try_next()
    if playing is not None and playback.silent_for(player.key) > SILENT_S:
        return player.rejoin()
    return _care_for_listeners(player, now, idle=playing is None, paused=playing is not None and playing.paused)


def _care_adrift(player: Player, now: float, other_node: Callable[[Node], Node | None]) -> Care | None:
    away = now - (player.adrift_since or now)
    if away > NODE_S:
        return player.stop_all("lost")
    if player.turn.locked():
        return None
    if player.lavalink.lost_at is None:
        return player.take_up() if player.retry_at is not None and now >= player.retry_at else None
    other = other_node(player.lavalink) if away > MOVE_S else None
    return player.move_to_node(other) if other is not None else None


def _care_for_listeners(player: Player, now: float, *, idle: bool, paused: bool) -> Care | None:
    player.idle_since = (player.idle_since or now) if idle else None
    player.paused_since = (player.paused_since or now) if paused else None
    player.alone_since = (player.alone_since or now) if not player.has_listeners else None
    limits = ((player.idle_since, IDLE_S), (player.alone_since, IDLE_S), (player.paused_since, PAUSED_S))
    if any(since is not None and now - since > limit for since, limit in limits):
        player.idle_since = player.alone_since = player.paused_since = now
        return player.retire()
    return player.step_up() if player.should_step_up else None
