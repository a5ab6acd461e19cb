"""Processes that never outlive this one."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Sequence
from pathlib import Path


def bound(command: Sequence[str | Path], death: signal.Signals, user: int | None = None) -> list[str]:
    """`command` such that Linux sends it `death` when this process dies, and run as `user` where one is given.

    By util-linux's setpriv(1) rather than in the child before it becomes its program: that would need a real
    fork, and with gRPC's threads about, a forked child now and then aborts. Nobody sends the signal where this
    process died before it was asked for; the child sees that by its parent's being another. Without setpriv (no
    Linux) the command is what it was.

    Raises:
        FileNotFoundError: another user is asked for, and there is no setpriv.
    """
    plain = [str(part) for part in command]
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        if user is not None:
            raise FileNotFoundError("setpriv (of util-linux) is needed to start a server as another user")
        return plain
    change = [] if user is None else ["--reuid", str(user), "--regid", str(user), "--clear-groups"]
    unless_orphaned = ["sh", "-c", '[ "$PPID" = "$0" ] && exec "$@"', str(os.getpid())]
    return [setpriv, "--pdeathsig", death.name.removeprefix("SIG"), *change, "--", *unless_orphaned, *plain]
