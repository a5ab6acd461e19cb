"""Named timers of the event loop: setting one again replaces it."""

import asyncio
from collections.abc import Callable


class Timers:
    """Timers by name; must be made in a running loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._handles: dict[str, asyncio.TimerHandle] = {}

    def at(self, name: str, at: float, callback: Callable[[], None]) -> None:
        """Call back at a loop time in seconds."""
        self.cancel(name)
        self._handles[name] = self._loop.call_at(at, callback)

    def after(self, name: str, delay_s: float, callback: Callable[[], None]) -> None:
        """Call back in so many seconds."""
        self.at(name, self._loop.time() + delay_s, callback)

    def cancel(self, *names: str) -> None:
        """Forget timers, set or not."""
        for name in names:
            handle = self._handles.pop(name, None)
            if handle is not None:
                handle.cancel()

    def cancel_all(self) -> None:
        """Forget every timer."""
        self.cancel(*list(self._handles))
