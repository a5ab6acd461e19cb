"""An event loop whose clock skips the time in which nothing happens: minutes of waiting pass in milliseconds."""

import asyncio
import selectors
from collections.abc import Callable
from typing import Any

# What goes over loopback is there at once; a moment is left for what is not.
_GRACE_S = 0.001


class FastLoop(asyncio.SelectorEventLoop):
    """A loop whose `time` runs ahead when it would only wait for its next timer, but not while threads work."""

    def __init__(self) -> None:
        self.skipped_s = 0.0
        self.threads = 0
        super().__init__(_SkippingSelector(self))

    def time(self) -> float:
        """The clock in seconds, with what was skipped."""
        return super().time() + self.skipped_s

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:
        """As usual; the clock runs at its own pace meanwhile."""
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
        if timeout is None or timeout <= _GRACE_S or self._loop.threads:
            return super().select(timeout)
        ready = super().select(_GRACE_S)
        if not ready:
            self._loop.skipped_s += timeout - _GRACE_S
        return ready
