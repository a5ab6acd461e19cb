"""A program that records rows and says which are committed: `writing.py FOLDER COMMITS [PRAGMA]`."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from services.recorder import Recorder
from services.store import Store
from tests.samples import entry, now, play, session


async def write(folder: Path, commits: int, pragma: str | None) -> None:
    """So many awaited commits, each with rows before it that nobody waits for."""
    async with Store(folder) as store:
        if pragma:
            writer: Any = store._writer  # pyright: ignore[reportPrivateUsage] - the control breaks the store on purpose
            writer._connection.execute(f"PRAGMA {pragma}")
        recorder = Recorder(store)
        for number in range(commits):
            for _ in range(number % 7):
                recorder.record(entry("x" * 200))
            row = play(guild_id=str(number % 50))
            recorder.record(session(row.guild_id, position_ms=number))
            recorder.record(row)
            await recorder.commit(replace(row, ended_at=now(), end_reason="finished", played_ms=number))
            os.write(1, f"{row.event_id} {number}\n".encode())
    os.write(1, b"closed\n")


if __name__ == "__main__":
    asyncio.run(write(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None))
