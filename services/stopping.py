"""SIGTERM and Ctrl-C: heard once, and obeyed within 5 s whatever hangs."""

from __future__ import annotations

import asyncio
import os
import signal
import threading

STOP_SECONDS = 4.3
"""From the signal to the end of the process."""


def stop_signal() -> asyncio.Event:
    """Set by the first signal; from then on the process has `STOP_SECONDS`."""
    stopping = asyncio.Event()

    def stop() -> None:
        if not stopping.is_set():
            stopping.set()
            _end_in_time()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    return stopping


def _end_in_time() -> None:
    # A name server that does not answer holds a thread, which Python would wait for. What was accepted is on the
    # disk by then, and what is not sent yet stays there.
    deadline = threading.Timer(STOP_SECONDS, os._exit, [0])
    deadline.daemon = True
    deadline.start()
