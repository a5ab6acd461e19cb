"""A temporary folder that goes even if this process is killed."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

# `cat` ends when the pipe to it closes, which the kernel sees to however this process ends. A server that is
# just being stopped may still write, so that `rm` finds the folder not empty.
_KEEPER = 'cat; for attempt in 1 2 3 4 5 6 7 8 9; do rm -rf "$0" 2> /dev/null && exit; sleep 0.2; done'


@contextmanager
def scratch_folder(prefix: str) -> Generator[Path]:
    """A new folder; it is removed when the context, or this process, ends."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    with subprocess.Popen(
        ["sh", "-c", _KEEPER, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        process_group=0,
    ):
        yield folder
