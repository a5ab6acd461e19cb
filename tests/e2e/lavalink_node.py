"""A Lavalink as a process of its own, which knows nothing of any world: `python -m tests.e2e.lavalink_node FOLDER`.

It prints its address, and runs until it is ended or its standard input is closed.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from sandbox.lavalink import LavalinkStandIn


async def main(folder: Path) -> None:
    async with LavalinkStandIn("its own: password", music=folder, seed=1) as lavalink:
        print(lavalink.uri, flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
