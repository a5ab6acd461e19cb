"""Tasks that nobody awaits: their faults are said."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

log = logging.getLogger("bot")


def log_failure(task: asyncio.Task[Any]) -> None:
    """A done callback: a task that ended by an exception goes to the log with its cause."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("%s ended unexpectedly", task.get_name(), exc_info=error)
