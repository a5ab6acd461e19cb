"""SIGTERM and Ctrl-C: heard once, and obeyed within 5 s whatever hangs."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time

STOP_SECONDS = 4.3
"""From the signal to the end of the process."""


def stop_signal() -> asyncio.Event:
    """Set by the first signal; from then on the process has `STOP_SECONDS`."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    heard, hear = os.pipe()
    threading.Thread(target=_end_in_time, args=(heard,), name="deadline", daemon=True).start()

    def stop(*_: object) -> None:
        # Not by the loop's own handlers: a loop with much to do would hear of it late, and the time runs from now.
        # A thread that was begun here could wait for a lock that this very thread holds; a byte in a pipe cannot.
        os.write(hear, b"\0")
        loop.call_soon_threadsafe(stopping.set)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    return stopping


def _end_in_time(heard: int) -> None:
    os.read(heard, 1)
    # A name server that does not answer holds a thread, which Python would wait for. What was accepted is on the
    # disk by then, and what is not sent yet stays there.
    time.sleep(STOP_SECONDS)
    os._exit(0)
