"""The sandbox as its users start it: `python -m sandbox`, with the real bot in it."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@contextlib.contextmanager
def started(script: Path, folder: Path) -> Generator[subprocess.Popen[str]]:
    """A sandbox that is gone at the end, however the test ends."""
    with start(script, folder) as run:
        try:
            yield run
        finally:
            run.kill()


def start(script: Path, folder: Path) -> subprocess.Popen[str]:
    # A folder of its own for what a killed sandbox leaves; short, for PostgreSQL's socket lies in it.
    environment = os.environ | {"SCRIPT": str(script), "TMPDIR": str(folder)}
    environment.pop("MUSIC", None)
    # Where the tests run in the background, SIGINT is ignored, and children would inherit that.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "sandbox"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    finally:
        signal.signal(signal.SIGINT, before)


def is_running(pid: int) -> bool:
    """Whether the process runs; one that has ended and waits to be collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_script_whose_expectations_hold_ends_by_itself_with_0(tmp_path: Path, folder: Path) -> None:
    script = tmp_path / "a script.txt"
    script.write_text(
        '/status\nexpect reply private\nwait 10 row bot_logs level=INFO\n/play x\nexpect reply contains "voice"\n'
    )
    run = start(script, folder)
    printed, _ = run.communicate(timeout=50)
    assert run.returncode == 0, printed
    assert "3 expectations held, 0 lines failed" in printed


def test_a_script_with_a_failed_expectation_ends_with_1_and_says_which(tmp_path: Path, folder: Path) -> None:
    script = tmp_path / "script.txt"
    script.write_text("# nobody plays anything\nwait 0 player playing\n")
    run = start(script, folder)
    printed, _ = run.communicate(timeout=50)
    assert run.returncode == 1, printed
    assert "line 2: wait 0 player playing" in printed
    assert "expected player playing" in printed
    assert "seen no track" in printed


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_however_the_sandbox_ends_no_bot_stays_behind(tmp_path: Path, folder: Path, ending: signal.Signals) -> None:
    script = tmp_path / "script.txt"
    script.write_text("/status\nwait 300 player playing\n")
    with started(script, folder) as run:
        assert run.stdout is not None
        lines = iter(run.stdout.readline, "")
        introduced = next(line for line in lines if line.strip().startswith("bot "))
        found = re.search(r"process (\d+)", introduced)
        assert found is not None
        bot = int(found[1])
        next(line for line in lines if "Only you can see this" in line)
        assert is_running(bot)
        run.send_signal(ending)
        run.communicate(timeout=20)
    deadline = time.monotonic() + 5
    while is_running(bot) and time.monotonic() < deadline:
        time.sleep(0.05)  # the kernel tells nobody but the parent, which is gone
    assert not is_running(bot)
    if ending is not signal.SIGKILL:
        assert [path.name for path in folder.iterdir() if path.name.startswith("sandbox-")] == []


@pytest.mark.parametrize("variable", ["SCRIPT", "MUSIC"])
def test_what_cannot_be_read_is_said_in_a_line_and_ends_with_2(variable: str, tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "sandbox"],
        cwd=ROOT,
        env=os.environ | {variable: str(tmp_path / "nothing here")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert run.returncode == 2
    assert variable in run.stderr
    assert "nothing here" in run.stderr
    assert "Traceback" not in run.stderr
