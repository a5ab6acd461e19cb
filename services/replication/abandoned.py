"""Calls to Gemini that nobody will settle: a disk that was lost left them open in Supabase, and nowhere else."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from services.replication.faults import RemoteFault
from services.replication.remote import Remote

log = logging.getLogger("bot.replication")

LOOK_SECONDS = 1800.0
ABANDONED = timedelta(hours=1)
"""A call takes two minutes at most; a store that cannot deliver may be late for longer than this."""


async def settle_abandoned(remote: Remote, now: Callable[[], datetime]) -> None:
    """Until cancelled: mark what is open for so long as an estimate.

    Whose it was does not matter. The rows keep their revision, so that a store which has only been cut off, and knows
    how its call ended, still wins.
    """
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        try:
            await remote.settle_open_usage(now() - ABANDONED)
        except RemoteFault as fault:  # the lane of the same table says what is wrong
            log.debug("Calls that an earlier disk left open were not looked for: %s", fault)
