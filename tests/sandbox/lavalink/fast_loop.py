"""An event loop whose clock moves only when nothing happens: minutes of waiting pass in milliseconds."""

import asyncio
import selectors
from collections.abc import Callable
from typing import Any

# What goes over loopback is there at once; a moment is left for what is not.
_GRACE_S = 0.001


class FastLoop(asyncio.SelectorEventLoop):
    """A loop whose `time` stands still while anything is done, however slow the machine is, and jumps to its
    next timer where it would only wait for it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.threads = 0
        super().__init__(_SkippingSelector(self))

    def time(self) -> float:
        """The clock in seconds, from 0."""
        return self.now

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:
        """As usual; the clock stands still meanwhile."""
        future = super().run_in_executor(executor, func, *args)
        self.threads += 1
        future.add_done_callback(self._thread_done)
        return future

    def _thread_done(self, _: object) -> None:
        self.threads -= 1


class _SkippingSelector(selectors.DefaultSelector):
    def __init__(self, loop: FastLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        if timeout == 0:
            return super().select(0)
        # A thread that is done wakes the selector.
        ready = super().select(None if timeout is None or self._loop.threads else _GRACE_S)
        if not ready and timeout is not None:
            self._loop.now += timeout
        return ready
