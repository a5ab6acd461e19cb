"""A Lavalink as a process of its own, which knows nothing of any world.

`python -m tests.e2e.lavalink_node FOLDER CERTIFICATE` prints its address, and runs until its standard input is closed;
then it prints how many packets of sound it has sent, and how the voice server, whose authority's certificate that is,
has closed its connections.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from pathlib import Path

from sandbox.lavalink import LavalinkStandIn
from tests.e2e.lavalink_voice import Speaker


async def main(folder: Path, certificate: Path) -> None:
    async with LavalinkStandIn("its own: password", music=folder, seed=1) as lavalink:
        speaker = Speaker(lavalink, certificate)
        following = asyncio.create_task(speaker.follow())
        print(lavalink.uri, flush=True)
        await asyncio.to_thread(sys.stdin.read)
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following
        print(speaker.packets, *speaker.closed_with)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
