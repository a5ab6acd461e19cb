"""A node's event stream that does not die."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from typing import TYPE_CHECKING, Any

import aiohttp
import wavelink
import wavelink.websocket

if TYPE_CHECKING:
    from services.lavalink.node import Node

log = logging.getLogger("bot.lavalink")
HANDSHAKE_S = 5.0
INTRODUCTION_S = 5.0
FIRST_WAIT_S = 0.2
LONGEST_WAIT_S = 8.0


class Websocket(wavelink.websocket.Websocket):
    """wavelink's socket, which reads on after what it does not understand, and connects again for ever.

    wavelink's own reader ends, with the node still called connected, on a close frame (Lavalink sends 1001 on
    every graceful stop), a missed pong, a voice close code that it does not know, an event of another shape.
    """

    node: Node

    def __init__(self, *, node: Node) -> None:
        super().__init__(node=node)
        self.connecting: asyncio.Task[Any] | None = None
        self.opened_at = 0.0
        """When the socket was opened, in seconds of `time.monotonic`."""
        self._wait = FIRST_WAIT_S

    @property
    def is_reading(self) -> bool:
        """Whether somebody reads what the node says."""
        return self.is_connected() and self.keep_alive_task is not None and not self.keep_alive_task.done()

    async def connect(self) -> None:
        """Connect, however long it takes; one attempt at a time."""
        if self.connecting is not None and not self.connecting.done():
            return
        self.connecting = asyncio.current_task()
        if self.node.status is wavelink.NodeStatus.CONNECTED:
            self.node.set_status(wavelink.NodeStatus.CONNECTING)
            self.dispatch("node_disconnected", wavelink.NodeDisconnectedEventPayload(node=self.node))
        self.node.set_status(wavelink.NodeStatus.CONNECTING)
        reader = self.keep_alive_task
        if reader is not None and reader is not asyncio.current_task():
            reader.cancel()
        while not await self._attempt():
            await asyncio.sleep(self._wait * random.uniform(0.7, 1.0))
            self._wait = min(self._wait * 2, LONGEST_WAIT_S)
        self.keep_alive_task = asyncio.create_task(self.keep_alive())

    async def keep_alive(self) -> None:
        """Read on until the socket is closed, then connect again."""
        while True:
            try:
                await super().keep_alive()
            except Exception as error:  # noqa: BLE001 - whatever it is, the reader must outlive it
                if self.is_connected():
                    log.warning("A message of Lavalink node %s was not understood: %r", self.node.identifier, error)
                    continue
            else:
                return  # wavelink saw the socket closed and has a connect under way
            log.debug("Lavalink node %s closed its socket", self.node.identifier)
            self.connect_again()
            return

    def connect_again(self) -> None:
        """Drop what there is and connect anew."""
        task = asyncio.create_task(self._drop_and_connect())
        self.node.keep(task)

    def dispatch(self, event: str, /, *args: Any, **kwargs: Any) -> None:
        """Tell the services first, in the order in which things happened; then everybody else."""
        if event == "node_ready":
            self._wait = FIRST_WAIT_S
        if not self.node.closing:
            self.node.events.heard(self.node, event, *args)
        super().dispatch(event, *args, **kwargs)

    async def _drop_and_connect(self) -> None:
        if self.socket is not None and not self.socket.closed:
            await self.socket.close()
        await self.connect()

    async def _attempt(self) -> bool:
        uri = f"{self.node.uri}/v4/websocket"
        try:
            async with asyncio.timeout(HANDSHAKE_S):
                self.socket = await self.node.session.ws_connect(
                    uri, heartbeat=self.node.heartbeat, headers=self.headers
                )
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            refused = isinstance(error, aiohttp.WSServerHandshakeError) and error.status in {401, 403}
            self._tell("its password was refused" if refused else "not reachable")
            return False
        self.opened_at = time.monotonic()
        return True

    def _tell(self, fault: str) -> None:
        if self.node.fault != fault:
            log.warning("Lavalink node %s: %s", self.node.identifier, fault)
        self.node.fault = fault

    async def _update_node(self) -> None:
        try:
            async with asyncio.timeout(INTRODUCTION_S):
                await super()._update_node()
        except (aiohttp.ClientError, TimeoutError, wavelink.WavelinkException, ValueError, KeyError):
            # A node that cannot even introduce itself would stay half ready for ever.
            if self.socket is not None:
                await self.socket.close()
            raise
