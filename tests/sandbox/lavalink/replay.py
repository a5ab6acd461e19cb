"""Sends the requests of a recording to the stand-in at the recorded moments, and says what is different."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import suppress
from typing import Any

import aiohttp
from yarl import URL

from sandbox.lavalink import LavalinkStandIn
from sandbox.lavalink.track_codec import decode
from tests.sandbox.closing import code_of
from tests.sandbox.lavalink.comparison import Circumstances, answer_differences, error_differences, message_differences
from tests.sandbox.lavalink.digest import MEDIA, PASSWORD, Step
from tests.sandbox.lavalink.recorder_media import FAULT_NAMES, RECORDER, SERVED_ELSEWHERE, local_name

HUNG_S = 8.0
_MEDIA_URL = re.compile(r'((?:identifier=|"identifier": "))' + re.escape(MEDIA) + r'/([^"&]*)')
# A recorder waited for these before it went on.
_AWAITED = ("TrackExceptionEvent", "TrackStuckEvent")
_EVENT_LATE_S = 1.0
# Above this a look-up was slow because its media server was.
_SLOW_S = 2.0
_TRACK = re.compile(r"\{track(\d+)\}")


class Connection:
    """A WebSocket, what came over it as `(seconds, message)`, and what a real server sent."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse | None, start: float) -> None:
        self.socket = socket
        self.received: list[tuple[float, Any]] = []
        self.expected: list[Step] = []
        self.aborted: float | None = None
        self._start = start
        # Taken now: a response lets its connection go when it is closed.
        connection = socket and socket._response.connection
        self.transport: Any = connection and connection.transport
        self._code: int | None = None
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        if self.socket is not None:
            while (message := await self.socket.receive()).type is aiohttp.WSMsgType.TEXT:
                self.received.append((loop.time() - self._start, message.json()))
            self._code = code_of(self.socket, message)

    def awaited_ends(self) -> int:
        """How many events had come to the recorder that only time brings."""
        return sum(step[3] in _AWAITED or step[6].get("reason") in ("finished", "loadFailed") for step in self.expected)

    def seen_ends(self) -> int:
        """How many of them have come here."""
        return sum(
            one.get("type") in _AWAITED or one.get("reason") in ("finished", "loadFailed") for _, one in self.received
        )

    async def ready(self) -> str | None:
        """The session's id, or None when the server has closed."""
        while not self._reader.done():
            for _, message in self.received:
                if message["op"] == "ready":
                    return message["sessionId"]
            await asyncio.sleep(0.005)
        return None

    async def closed(self) -> int | None:
        """The code with which the server has closed, once it has."""
        await self._reader
        return self._code

    async def close(self, how: int | str) -> None:
        """Close with a code, or drop the TCP connection."""
        if how == "abort":
            self.aborted = asyncio.get_running_loop().time() - self._start
            self.transport.abort()
        elif self.socket is not None:
            await self.socket.close(code=int(how))
        await self._reader


class Replay:
    """One recording, replayed; `differences` says in words what a real server did otherwise."""

    def __init__(self, digest: dict[str, Any], steps: list[Step], lavalink: LavalinkStandIn, media: str) -> None:
        self._shapes, self._tracks, self._steps = digest["shapes"], digest["tracks"], steps
        self._lavalink, self._media = lavalink, media
        self._connections: dict[str, Connection] = {}
        self._ended: list[Connection] = []
        self._sessions: dict[str, str] = {}
        self._excuses = Circumstances()
        self.differences: list[str] = []
        self.requests = 0

    async def run(self) -> None:
        """Replay all steps in order, each at its moment or later."""
        loop = asyncio.get_running_loop()
        self._start = due = loop.time()
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as self._http:
            moments = [0.0, *(step[1] for step in self._steps[:-1])]
            for before, (kind, at, *arguments) in zip(moments, self._steps, strict=True):
                if kind == "got":
                    self._connections[arguments[0]].expected.append([kind, at, *arguments])
                    continue
                await asyncio.sleep(max(0.0, due + at - (HUNG_S if kind == "hung" else 0) - loop.time()))
                due += await self._awaited_events()
                began = loop.time()
                await getattr(self, f"_do_{kind}")(*arguments)
                took, real = loop.time() - began, at - before
                if kind == "rest" and "loadtracks" in arguments[1] and real > _SLOW_S and abs(took - real) > _SLOW_S:
                    self.differences.append(f"{arguments[1]}: {took:.1f} s, a real one {real:.1f} s")
                # An answer that a real server had given by now puts everything off.
                due += loop.time() - began if kind == "rest" and loop.time() - began > 1 else 0
            await asyncio.sleep(max(0.0, due + self._steps[-1][1] - loop.time()) + 0.1)
            for connection in [*self._ended, *self._connections.values()]:
                await connection.close(1000)
                self.differences += message_differences(
                    connection.expected, connection.received, self._shapes, self._excuses, connection.aborted
                )

    async def _awaited_events(self) -> float:
        """Wait for ends of tracks that a recorder had seen by now; returns for how many seconds."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while loop.time() - began < _EVENT_LATE_S:
            if all(connection.seen_ends() >= connection.awaited_ends() for connection in self._connections.values()):
                break
            await asyncio.sleep(0.005)
        return loop.time() - began

    async def _do_connect(
        self, conn: str, path: str, headers: dict[str, Any], status: int, resumed: str | None
    ) -> None:
        chosen = _chosen({"Authorization": PASSWORD} | headers)
        chosen = {name: self._filled(value) for name, value in chosen.items()}
        socket = None
        try:
            socket = await self._http.ws_connect(URL(self._lavalink.base_url + path, encoded=True), headers=chosen)
            shown, got_status = socket._response.headers, 101
        except aiohttp.WSServerHandshakeError as error:
            shown, got_status = error.headers or {}, error.status
        got = (got_status, shown.get("Session-Resumed"), shown.get("Lavalink-Api-Version"))
        if got != (status, resumed, "4"):
            self.differences.append(f"handshake {path} {headers}: {got}, a real one {(status, resumed, '4')}")
        if conn in self._connections:
            self._ended.append(self._connections[conn])
        connection = self._connections[conn] = Connection(socket, self._start)
        session = await connection.ready()
        if session is not None and session not in self._sessions.values():
            self._sessions[f"s{len(self._sessions)}"] = session

    async def _do_hangup(self, conn: str, how: int | str) -> None:
        await self._connections[conn].close(how)

    async def _do_frames(self, conn: str) -> None:
        socket = self._connections[conn].socket
        assert socket is not None
        await socket.send_str("text")
        await socket.send_str("{}")
        await socket.ping()
        await socket.send_bytes(b"binary")

    async def _do_closed(self, conn: str, code: int) -> None:
        got = await self._connections[conn].closed()
        # When stopped, one client was told so, and another saw no close frame.
        if got != code and not {got, code} <= {1001, 1006}:
            self.differences.append(f"{conn} closed with {got}, a real one with {code}")

    async def _do_sigterm(self) -> None:
        await self._lavalink.stop_gracefully()

    async def _do_voice(self, guild: str, code: int, reason: str) -> None:
        self._lavalink.close_voice(int(guild), code, reason)

    async def _do_hung(self, method: str, path: str, body: Any) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(HUNG_S):
                status = (await self._request(method, path, {}, body))[0]
                self.differences.append(f"{method} {path} {body}: {status}, a real one never answered")

    async def _do_rest(self, *step: Any) -> None:
        method, path, headers, body, status, shape, values = step
        guild = path.split("?", maxsplit=1)[0].rpartition("/")[2]
        seeks = isinstance(body, dict) and "position" in body
        if seeks:
            now = asyncio.get_running_loop().time() - self._start
            self._excuses.seeks.setdefault(guild, []).append(now)
        got, answer, got_headers = await self._request(method, path, headers, await self._playable(guild, body))
        self.requests += 1
        where = f"{method} {path[:120]} {json.dumps(body)[:120]}"
        if got != status:
            self.differences.append(f"{where}: {got} {answer}, a real one {status}")
            return
        faulty = guild in self._excuses.faulty or any(
            local_name(name) in FAULT_NAMES for _, name in _MEDIA_URL.findall(path)
        )
        found = answer_differences(values, self._shapes[shape], answer, any_position=seeks or faulty, any_title=faulty)
        if got_headers.get("Allow") != values.get("Allow"):
            found.append(f"Allow {got_headers.get('Allow')}, a real one {values.get('Allow')}")
        if got_headers.get("Lavalink-Api-Version") != "4":
            found.append("no Lavalink-Api-Version")
        found += error_differences(self._filled(path), status, answer)
        self.differences += [f"{where}: {one}" for one in found]

    async def _playable(self, guild: str, body: Any) -> Any:
        """The body, with the stand-in's own tracks for those that go wrong."""
        text = json.dumps(body)
        for found in _TRACK.finditer(text) if guild.isdecimal() else ():
            name = decode(self._tracks[int(found[1])])[0].identifier.removeprefix(f"{RECORDER}/")
            if local_name(name) in FAULT_NAMES:
                path = f"/v4/loadtracks?identifier={MEDIA}/{name}"
                _, loaded, _ = await self._request("GET", path, {}, None)
                text = text.replace(found[0], loaded["data"]["encoded"])
                self._excuses.faulty.add(guild)
        if any(local_name(found[2]) in FAULT_NAMES for found in _MEDIA_URL.finditer(text)):
            self._excuses.faulty.add(guild)
        return json.loads(text)

    async def _request(self, method: str, path: str, headers: dict[str, Any], body: Any) -> tuple[int, Any, Any]:
        sent: dict[str, Any] = {}
        if isinstance(body, dict) and "_raw" in body:
            sent["data"] = body["_raw"]
        elif body is not None:
            sent["data"] = self._filled(json.dumps(body))
        usual = {"Authorization": PASSWORD} | ({"Content-Type": "application/json"} if sent else {})
        url = URL(self._lavalink.base_url + self._filled(path), encoded=True)
        async with self._http.request(method, url, headers=_chosen(usual | headers), **sent) as response:
            text = await response.text()
            is_json = response.content_type == "application/json" and text
            return response.status, json.loads(text) if is_json else text or None, response.headers

    def _filled(self, text: str) -> str:
        text = _MEDIA_URL.sub(self._media_url, text)
        text = _TRACK.sub(lambda found: self._tracks[int(found[1])], text)
        for name, session in self._sessions.items():
            text = text.replace(f"{{{name}}}", session)
        return text

    def _media_url(self, found: re.Match[str]) -> str:
        if SERVED_ELSEWHERE.match(found[2]):
            return f"{found[1]}{self._media}/{found[2]}"
        return found[1] + self._lavalink.file_url("") + local_name(found[2])


def _chosen(headers: dict[str, Any]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if value is not None}
