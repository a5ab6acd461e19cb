"""discord.py's heartbeats come from threads, which may outlive the bot and its event loop."""

from __future__ import annotations

import asyncio
import threading

from discord.gateway import KeepAliveHandler


async def end_heartbeats() -> None:
    """Wait for those threads, while the loop that they speak to still runs."""
    for thread in threading.enumerate():
        if isinstance(thread, KeepAliveHandler):
            thread.stop()
            await asyncio.to_thread(thread.join)
