"""A plain Lavalink client: REST and WebSocket as they come over the wire."""

import asyncio
import json
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import aiohttp

from sandbox.lavalink import LavalinkStandIn
from sandbox.real_lavalink import RealLavalink
from tests.sandbox.closing import code_of

VOICE = {"token": "token", "endpoint": "voice.local:443", "sessionId": "session", "channelId": "555"}


class Answer:
    def __init__(self, status: int, body: Any, headers: dict[str, str]) -> None:
        self.status = status
        self.body = body
        self.headers = headers


class LavalinkClient:
    """One session; `messages` holds what the WebSocket brought, `answered` in it marks REST answers."""

    def __init__(self, lavalink: LavalinkStandIn | RealLavalink, *, user_id: str = "111") -> None:
        self.lavalink = lavalink
        self.user_id = user_id
        self.session_id = ""
        self.messages: list[dict[str, Any]] = []
        self.close_code: int | None = None
        self._changed = asyncio.Condition()
        self._http = aiohttp.ClientSession(lavalink.base_url)
        self._reader: asyncio.Task[None] | None = None
        self.socket: aiohttp.ClientWebSocketResponse | None = None

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.hang_up()
        await self._http.close()

    async def connect(self, **headers: str) -> dict[str, Any]:
        """Connect and return `ready`."""
        known = {"Authorization": "youshallnotpass", "User-Id": self.user_id, "Client-Name": "test/1"}
        self.close_code = None
        del self.messages[:]
        self.socket = await self._http.ws_connect("/v4/websocket", headers=known | headers)
        self._reader = asyncio.create_task(self._read(self.socket))
        ready = await self.until("ready")
        self.session_id = ready["sessionId"]
        return ready

    async def hang_up(self) -> None:
        if self.socket is not None:
            await self.socket.close()
        if self._reader is not None:
            await self._reader

    async def request(self, method: str, path: str, **kwargs: Any) -> Answer:
        headers = {"Authorization": "youshallnotpass"} | kwargs.pop("headers", {})
        async with self._http.request(method, path, headers=headers, **kwargs) as response:
            text = await response.text()
            is_json = response.content_type == "application/json"
            body: Any = json.loads(text) if is_json and text else text or None
            return Answer(response.status, body, dict(response.headers))

    async def get(self, path: str, **kwargs: Any) -> Answer:
        return await self.request("GET", path, **kwargs)

    async def load(self, identifier: str) -> Any:
        answer = await self.get("/v4/loadtracks", params={"identifier": identifier})
        assert answer.status == 200
        return answer.body

    async def update(self, guild_id: int | str = 1, /, no_replace: str | None = None, **fields: Any) -> Answer:
        query = {} if no_replace is None else {"noReplace": no_replace}
        answer = await self.request("PATCH", self.path(guild_id), json=fields, params=query)
        await self._add({"op": "answer", "guildId": str(guild_id), "status": answer.status})
        return answer

    async def player(self, guild_id: int = 1) -> dict[str, Any]:
        answer = await self.get(self.path(guild_id))
        assert answer.status == 200
        return answer.body

    async def delete(self, guild_id: int = 1) -> Answer:
        return await self.request("DELETE", self.path(guild_id))

    def path(self, guild_id: int | str) -> str:
        return f"/v4/sessions/{self.session_id}/players/{guild_id}"

    async def until(
        self, kind: str, when: Callable[[dict[str, Any]], object] = lambda _: True, timeout: float = 5
    ) -> dict[str, Any]:
        """The first message of that op or event type for which `when` is true."""
        async with asyncio.timeout(timeout), self._changed:
            while True:
                for message in self.messages:
                    if kind in (message["op"], message.get("type")) and when(message):
                        return message
                await self._changed.wait()

    def kinds(self) -> list[str]:
        return [message.get("type", message["op"]) for message in self.messages]

    async def _add(self, message: dict[str, Any]) -> None:
        async with self._changed:
            self.messages.append(message)
            self._changed.notify_all()

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        while (message := await socket.receive()).type is aiohttp.WSMsgType.TEXT:
            await self._add(message.json())
        self.close_code = code_of(socket, message)
        await self._add({"op": "closed"})
