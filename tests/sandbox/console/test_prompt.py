"""The prompt in a real terminal."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CONTROL = re.compile(rb"\x1b(\[[0-?]*[ -/]*[@-~]|[=>78])|\r")


class Terminal:
    """A terminal with the sandbox in it."""

    def __init__(self, folder: Path) -> None:
        self._keys, other = pty.openpty()
        environment = os.environ | {"TMPDIR": str(folder), "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"}
        for name in ("MUSIC", "SCRIPT"):
            environment.pop(name, None)
        self.run = subprocess.Popen(
            [sys.executable, "-m", "sandbox"],
            cwd=ROOT,
            env=environment,
            stdin=other,
            stdout=other,
            stderr=other,
            start_new_session=True,
        )
        os.close(other)
        self._shown = b""
        self._seen = 0

    @property
    def text(self) -> str:
        """What was shown and not waited for yet."""
        return CONTROL.sub(b"", self._shown).decode(errors="replace")[self._seen :]

    def type(self, keys: str) -> None:
        os.write(self._keys, keys.encode())

    def until(self, text: str, timeout: float = 30) -> None:
        """Read until `text` is shown; the next call looks after it."""
        deadline = time.monotonic() + timeout
        os.set_blocking(self._keys, False)
        while text not in self.text:
            assert time.monotonic() < deadline, f"{text!r} is not in {self.text!r}"
            try:
                self._shown += os.read(self._keys, 65536)
            except BlockingIOError:
                time.sleep(0.02)
            except OSError:  # the other end is closed
                assert text in self.text, self.text
        self._seen += self.text.index(text) + len(text)

    def close(self) -> None:
        self.run.kill()
        self.run.wait()
        os.close(self._keys)


@pytest.fixture
def terminal(folder: Path) -> Generator[Terminal]:
    terminal = Terminal(folder)
    try:
        terminal.until("alice>")
        yield terminal
    finally:
        terminal.close()


@pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal")
def test_a_session_in_a_terminal(terminal: Terminal, folder: Path) -> None:
    terminal.type("/nowp\t")
    terminal.until("/nowplaying")
    terminal.type("\r")
    terminal.until("Nothing is playing")
    terminal.until("alice>")
    terminal.type("gemini One two three\r/ask count\ras bob\r")
    terminal.until("One two three")
    terminal.until("bob>")
    terminal.type("slow lavalink x\r")
    terminal.until("SECONDS is a number")
    terminal.until("bob>")
    terminal.type("\x04")
    assert terminal.run.wait(15) == 0
    assert [path.name for path in folder.iterdir() if path.name.startswith("sandbox-")] == []
