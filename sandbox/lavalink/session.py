"""A session: one client's players and WebSocket, and what waits for it while that socket is down."""

import asyncio
import json
import secrets
import string
from collections.abc import Awaitable, Callable

from aiohttp import web

from sandbox.lavalink.account import Account
from sandbox.lavalink.payloads import Message
from sandbox.lavalink.player import Player
from sandbox.lavalink.timers import Timers

_ID_LENGTH = 16
_ID_ALPHABET = string.ascii_lowercase + string.digits
_FLUSH_S = 0.05


async def _at_once() -> None:
    return


class Session:
    """Players and their outlet. `on_gone` is called when the session cannot be resumed any more."""

    def __init__(
        self,
        user_id: int,
        account: Account,
        stuck_threshold_ms: int,
        on_change: Callable[[], None],
        on_gone: Callable[["Session"], None],
    ) -> None:
        self.id = "".join(secrets.choice(_ID_ALPHABET) for _ in range(_ID_LENGTH))
        self.user_id = user_id
        self.account = account
        self.stuck_threshold_ms = stuck_threshold_ms
        self.resuming = False
        self.timeout = 60
        self.players: dict[int, Player] = {}
        self.timers = Timers()
        self.loses: Callable[[Message], bool] = lambda _: False
        """Whether a message is lost on its way."""
        self.may_send: Callable[[], Awaitable[None]] = _at_once
        """Returns once the socket may carry a message."""
        self._on_change = on_change
        self._on_gone = on_gone
        self._outbox: asyncio.Queue[str] | None = None
        self._transport: asyncio.Transport | None = None
        self._socket: web.WebSocketResponse | None = None
        self._waiting: list[str] = []
        self._destroyed = False

    @property
    def connected(self) -> bool:
        """Whether the client's WebSocket is there; while it is not, REST knows no such session."""
        return self._socket is not None

    def send(self, message: Message) -> None:
        """Send, or keep for a resume; playerUpdates are not kept."""
        # Escapes outside ASCII let a lone surrogate of a title pass, which UTF-8 itself cannot carry.
        text = json.dumps(message)
        if self.loses(message):
            return
        if self._outbox is not None:
            self._outbox.put_nowait(text)
        elif message.get("op") != "playerUpdate":
            self._waiting.append(text)
        self._on_change()

    async def flush(self) -> None:
        """Wait until all was written, or for a moment if the client does not read."""
        if self._outbox is not None:
            try:
                async with asyncio.timeout(_FLUSH_S):
                    await self._outbox.join()
            except TimeoutError:
                return

    def player(self, guild_id: int) -> Player:
        """The guild's player, made if there is none."""
        if guild_id not in self.players:
            self.players[guild_id] = Player(guild_id, self)
        return self.players[guild_id]

    def attach(self, socket: web.WebSocketResponse, transport: asyncio.Transport | None) -> None:
        """The client is there: from now on messages go to its socket."""
        self.timers.cancel("expire")
        self._socket, self._transport, self._outbox = socket, transport, asyncio.Queue()

    def resume(self) -> None:
        """After `ready`: the kept messages, then one playerUpdate a player."""
        waiting, self._waiting = self._waiting, []
        for text in waiting:
            if self._outbox is not None:
                self._outbox.put_nowait(text)
        for player in self.players.values():
            player.update()

    async def write(self) -> None:
        """Write what is sent to the socket, until cancelled."""
        outbox, socket = self._outbox, self._socket
        assert outbox is not None
        assert socket is not None
        while True:
            text = await outbox.get()
            await self.may_send()
            try:
                await socket.send_str(text)
            except ConnectionError:
                continue
            finally:
                outbox.task_done()

    def detach(self) -> None:
        """The socket is gone: wait for a resume, or end."""
        self._socket = self._transport = self._outbox = None
        if self._destroyed:
            return
        if self.resuming and self.timeout > 0:
            self.timers.after("expire", self.timeout, lambda: self._on_gone(self))
        else:
            self._on_gone(self)
        self._on_change()

    def cut(self) -> None:
        """Drop the TCP connection, without a close frame."""
        if self._transport is not None:
            self._transport.abort()

    async def close(self, code: int) -> None:
        """Close the socket with a close frame."""
        if self._socket is not None:
            await self._socket.close(code=code)

    def destroy(self, reason: str) -> None:
        """The session ends with its players; `reason` goes into the account, nobody is there to be told."""
        self._destroyed = True
        self.timers.cancel_all()
        for player in self.players.values():
            player.destroy(reason, tell=False)
        self.players.clear()
