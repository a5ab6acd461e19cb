"""No server outlives the process that started it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from sandbox.supabase.server_process import ServerProcess

PARENT = """
import sys, signal
from pathlib import Path
from sandbox.supabase.server_process import ServerProcess
server = ServerProcess(["sleep", "60"], log=Path(sys.argv[1], "log"))
print(server.pid, flush=True)
if sys.argv[2] == "raise":
    raise SystemExit("on purpose")
signal.pause()
"""


async def test_the_last_words_of_a_server_that_ends_are_told(tmp_path: Path) -> None:
    server = ServerProcess(["sh", "-c", "echo no room; exit 3"], log=tmp_path / "log")

    async def never() -> bool:
        return False

    with pytest.raises(RuntimeError, match="ended with 3: no room"):
        await server.until_ready(never, 5)
    await server.stop()


async def test_stop_kills_nothing_twice(tmp_path: Path) -> None:
    server = ServerProcess(["sleep", "60"], log=tmp_path / "log")
    await server.stop()
    await server.stop()
    assert not psutil.pid_exists(server.pid)


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
@pytest.mark.parametrize("end", ["kill", "raise"])
def test_a_server_ends_with_its_parent(tmp_path: Path, end: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path), end],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        if end == "kill":
            parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 5
    while psutil.pid_exists(child) and psutil.Process(child).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.01)
