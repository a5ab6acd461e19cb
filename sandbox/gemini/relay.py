"""A TCP relay in front of the gRPC server, so that a fault is a fault of the connection itself."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct

from sandbox.chance import Chance

HOST = "127.0.0.1"


class Relay:
    """Listens on one port for as long as it lives, and passes bytes on to another."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._server: asyncio.Server | None = None
        self._clients: dict[int, asyncio.StreamWriter] = {}
        """By the port that the relay itself has towards the target."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._passing = _passing()
        self.port = 0

    async def open(self) -> None:
        """Listen; the port of the first time is kept."""
        if self._server is None:
            self._server = await asyncio.start_server(self._connected, HOST, self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Listen no more, and break what is connected: new connections are refused."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        self.reset()
        for task in self._tasks:  # those too whose way to the target was just being opened
            task.cancel()
        # Python 3.11's Server.wait_closed returns at once; the connections are what has to be waited for.
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def reset(self, port: int | None = None, *, chance: Chance | None = None) -> None:
        """Break one connection, or all where chance strikes, with a TCP RST."""
        struck = chance or Chance()
        for number in [port] if port is not None else [one for one in self._clients if struck.strikes()]:
            writer = self._clients.pop(number, None)
            # One that the other side has just closed has no socket left, and nothing to break.
            if writer is not None and not writer.transport.is_closing():
                raw = writer.get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()

    def freeze(self) -> None:
        """What is connected passes nothing on any more, in neither direction, and nobody is told; new ones do."""
        self._passing.clear()
        self._passing = _passing()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            # Only `close` cancels it, and Python 3.11 takes a handler that was cancelled for one that failed.
            with contextlib.suppress(asyncio.CancelledError):
                await self._relay(reader, writer)
        finally:
            writer.close()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target_reader, target = await asyncio.open_connection(HOST, self._target_port)
        number = target.get_extra_info("sockname")[1]
        self._clients[number] = writer
        ways = ((reader, target), (target_reader, writer))
        pumps = [asyncio.ensure_future(_pump(*ends, self._passing)) for ends in ways]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            self._clients.pop(number, None)
            target.close()


def _passing() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, passing: asyncio.Event) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            await passing.wait()
            writer.write(data)
            await writer.drain()
