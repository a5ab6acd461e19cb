"""A server that lives in a process of its own and never outlives this one."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import signal
import subprocess
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from sandbox.child import bound


class ServerProcess:
    """One server process with its output in a file; it is stopped by `stop`, at exit, or by the kernel
    when this process dies (Linux, prctl(2) PR_SET_PDEATHSIG)."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
        user: int | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self._log = log
        self._name = Path(command[0]).name
        self._stop_signal = stop_signal
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                bound(command, stop_signal, user),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(environment) if environment is not None else None,
                cwd=log.parent,
                # A group of its own: Ctrl-C is for the sandbox, which then stops its parts in order.
                process_group=0,
            )
        atexit.register(self._kill)

    @property
    def pid(self) -> int:
        return self._process.pid

    def log(self) -> str:
        """Everything that the server has printed so far."""
        return self._log.read_text(errors="replace")

    async def until_ready(self, ready: Callable[[], Awaitable[bool]], timeout: float) -> None:
        """Wait until `ready`; RuntimeError with the server's last words if it ends, or after `timeout` s."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        while not await ready():
            if self._process.poll() is not None or loop.time() > deadline:
                state = f"ended with {self._process.returncode}" if self._process.poll() is not None else "is not ready"
                raise RuntimeError(f"{self._name} {state}: {self.log()[-2000:]}")
            # Neither server tells its parent that it is ready; both are within a few tenths of a second.
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Ask it to stop; after 5 s it is killed."""
        if self._process.poll() is None:
            self._process.send_signal(self._stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(self._process.wait, 5)
        self._kill()

    def _kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        atexit.unregister(self._kill)
