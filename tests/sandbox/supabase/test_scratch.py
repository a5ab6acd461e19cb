"""Nothing is left in the temporary folder, however a run ends."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

from sandbox.supabase.scratch import scratch_folder

PARENT = """
import signal
from sandbox.supabase.scratch import scratch_folder
with scratch_folder("scratch test-") as folder:
    (folder / "file").touch()
    print(folder, flush=True)
    signal.pause()
"""


def test_the_folder_is_gone_when_its_context_has_ended() -> None:
    with scratch_folder("scratch test-") as folder:
        (folder / "file").touch()
    assert not folder.exists()


def test_the_folder_goes_when_its_process_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        folder = Path(parent.stdout.readline().rstrip("\n"))
        assert (folder / "file").exists()
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 5
    while folder.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
