"""Server statistics, for REST and for the `stats` message."""

import asyncio
import os
import resource
import time
from collections.abc import Iterable

from sandbox.lavalink.payloads import Message
from sandbox.lavalink.player import Player

STATS_INTERVAL_S = 60.0
_FRAMES_A_MINUTE = 3000
_HEAP_BYTES = 1 << 30


def statistics(players: Iterable[Player], started_at: float, frame_stats: Message | None) -> Message:
    """The stats object; `started_at` is in seconds of the monotonic clock, uptime in ms."""
    listed = list(players)
    uptime_s = max(time.monotonic() - started_at, 1e-3)
    cores = os.cpu_count() or 1
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "frameStats": frame_stats,
        "players": len(listed),
        "playingPlayers": sum(player.playing for player in listed),
        "uptime": int(uptime_s * 1000),
        "memory": {
            "free": max(_HEAP_BYTES - used, 0),
            "used": used,
            "allocated": _HEAP_BYTES,
            "reservable": _HEAP_BYTES,
        },
        "cpu": {
            "cores": cores,
            "systemLoad": min(os.getloadavg()[0] / cores, 1.0),
            "lavalinkLoad": min(time.process_time() / uptime_s / cores, 1.0),
        },
    }


def frame_statistics(players: Iterable[Player]) -> Message | None:
    """The last minute's frames, averaged over players that sent all through it; None without one.

    To be called once a minute: it takes the frames from the players.
    """
    now = asyncio.get_running_loop().time()
    full: list[int] = []
    for player in players:
        player.settle()
        frames = player.meter.take()
        if player.current is not None and player.meter.flows_for(STATS_INTERVAL_S, now):
            full.append(frames)
    if not full:
        return None
    sent = sum(full) // len(full)
    return {"sent": sent, "nulled": 0, "deficit": _FRAMES_A_MINUTE - sent}
