"""What a player needs between commands: to leave when nobody listens, to notice a dead voice connection."""

from __future__ import annotations

import time
from collections.abc import Coroutine
from typing import Any

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


def care_for(player: Player, playback: Playback) -> Coroutine[Any, Any, None] | None:
    """What to do for `player` now, if anything; to be asked a few times a minute at least."""
    now = time.monotonic()
    playing = playback.playing(player.key)
    lost_at = player.lavalink.lost_at
    if lost_at is not None:
        return player.stop_all("lost") if now - lost_at > NODE_S else None
    if playing is not None and playback.silent_for(player.key) > SILENT_S:
        return player.rejoin()
    idle = playing is None
    player.idle_since = (player.idle_since or now) if idle else None
    player.paused_since = (player.paused_since or now) if playing and playing.paused else None
    player.alone_since = (player.alone_since or now) if not player.has_listeners else None
    limits = ((player.idle_since, IDLE_S), (player.alone_since, IDLE_S), (player.paused_since, PAUSED_S))
    if any(since is not None and now - since > limit for since, limit in limits):
        player.idle_since = player.alone_since = player.paused_since = now
        return player.retire()
    return None
