"""The digest of recordings of a real Lavalink 4.2.2: what a comparison needs, and no more.

    LAVALINK_RECORDINGS=FOLDER python -m tests.sandbox.lavalink.digest

writes `digest.json` anew from a folder of recordings, one JSON object a line. A recording becomes a list of
steps in order of time, each `[kind, seconds, …]`; see `Step`. Of answers and messages only the shape is kept
(keys and types, each shape once), with what is compared by value. Sessions are called after the order in which
they were opened, and the recorder's media server and voice gateway by a word.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

DIGEST = Path(__file__).with_name("digest.json")
MEDIA = "{media}"
PASSWORD = "youshallnotpass"

Step: TypeAlias = list[Any]
"""One of:

    connect  conn, path, headers, status, resumed    a WebSocket is opened, or refused
    hangup   conn, how                               the client closes with a code, or drops TCP (`abort`)
    frames   conn                                    the client sends text, then a binary frame
    closed   conn, code                              the server has closed
    sigterm                                          the server is told to stop
    rest     method, path, headers, body, status, shape, values
    hung     method, path, body                      a request that was not answered within 8 s
    voice    guild, code, reason                     Discord's voice server closes (1006: drops TCP)
    got      conn, name, guild, shape, values        a message, by its op or event type
"""

_MEDIA_HOST = "http://127.0.0.1:23380"
_GATEWAY = re.compile(r"localhost:\d{5}")
# What the recorder's gateway was about to do with an identify.
_GATEWAY_NOTE = re.compile(r"reject(\d+)|gateway sends no hello")
_ENCODED = re.compile(r"QAAA[A-Za-z0-9+/]{40,}=*")
_SESSION = re.compile(r"(?<=/v4/sessions/)[a-z0-9]{16}")
_SERVER_CLOSE = "8"
# Whether a file has an ISRC is the file's affair, plugins are the installation's; the others are compared by value.
_ANY = ("isrc", "filters", "plugins", "userData")
_COMPARED = ("reason", "code", "byRemote", "thresholdMs", "resumed")
_ANSWERED = ("message", "loadType", "resuming", "timeout")
_UNSET_VOICE = {"token": "", "endpoint": "", "sessionId": "", "channelId": None}
_DEFAULTS = {"volume": 100, "paused": False, "filters": {}, "voice": _UNSET_VOICE, "track": None}


def shape_of(value: Any) -> Any:
    """Keys and types; whole numbers and fractions are two, and of a list its first item stands for all."""
    if isinstance(value, dict):
        return {key: "any" if key in _ANY else shape_of(item) for key, item in sorted(value.items())}
    if isinstance(value, list):
        return [shape_of(item) for item in value[:1]]
    return type(value).__name__


def values_of(answer: Any) -> dict[str, Any]:
    """What of a REST answer is compared by value."""
    if not isinstance(answer, dict):
        return {}
    kept: dict[str, Any] = {
        name: answer[name] for name in ("message", "loadType", "resuming", "timeout") if name in answer
    }
    if answer.get("loadType") == "error":
        kept |= {name: answer["data"][name] for name in ("message", "severity", "cause")}
    if answer.get("loadType") == "track":
        kept["track"] = track_of(answer["data"])
    if "guildId" in answer:
        kept |= {name: answer[name] for name, default in _DEFAULTS.items() if answer[name] != default}
        if "track" in kept:
            kept["track"] = track_of(answer["track"])
        kept["state"] = state_of(answer)
    return kept


def track_of(track: dict[str, Any]) -> list[Any]:
    """Of a track: what it is called, whether it has an end, and what a client has said of it."""
    info = track["info"]
    return [info["title"], info["author"], info["isStream"], track["userData"]]


def state_of(answer: dict[str, Any]) -> list[Any]:
    """Of a player's state: position in ms, whether it is connected, and whether there is a ping."""
    state = answer["state"]
    return [state["position"], state["connected"], state["ping"] >= 0]


def message_values(message: dict[str, Any]) -> dict[str, Any]:
    """What of a message is compared by value."""
    kept: dict[str, Any] = {name: message[name] for name in _COMPARED if name in message}
    if "track" in message:
        kept["track"] = track_of(message["track"])
    if "exception" in message:
        kept |= {name: message["exception"][name] for name in ("message", "severity")}
    return kept | ({"state": state_of(message)} if message["op"] == "playerUpdate" else {})


def headers_of(given: dict[str, str]) -> dict[str, Any]:
    """What a request says beyond the right password and the JSON that it carries; None: without a password."""
    usual = {"Authorization": PASSWORD, "Content-Type": "application/json"}
    headers: dict[str, Any] = {"Authorization": None} | given
    return {name: value for name, value in headers.items() if usual.get(name) != value}


class Digester:
    """Makes steps of one recording; `shapes` and `tracks` are shared by all."""

    def __init__(self, shapes: list[Any], tracks: list[str]) -> None:
        self._shapes = shapes
        self._tracks = tracks
        self._sessions: dict[str, str] = {}
        self._stopping = False
        self._gateways: dict[str, str] = {}

    def steps(self, entries: list[dict[str, Any]]) -> Iterator[Step]:
        """The steps of a recording."""
        for entry in entries:
            for kind, *rest in self._steps(entry):
                yield [kind, entry["t"], *rest]

    def _steps(self, entry: dict[str, Any]) -> Iterator[Step]:
        match entry:
            case {"kind": "rest", "status": None, "request": request}:
                body = json.loads(_GATEWAY.sub("{gateway}", json.dumps(request["body"])))
                yield ["hung", request["method"], self._text(request["path"]), body]
            case {"kind": "rest"}:
                yield self._rest(entry)
            case {"kind": "ws"}:
                yield from self._socket(entry)
            case {"kind": "voice", "server_closes_with": code}:
                yield ["voice", entry["guild"], code, f"why{code}"]
            case {"kind": "voice", "server_aborts_tcp": True}:
                yield ["voice", entry["guild"], 1006, ""]
            case {"kind": "note", "text": "SIGTERM"}:
                self._stopping = True
                yield ["sigterm"]
            case {"kind": "note", "text": "client sends text / binary / JSON / ping frames"}:
                yield ["frames", "main"]
            case _:
                pass

    def _rest(self, entry: dict[str, Any]) -> Step:
        request, answer = entry["request"], entry["response"]
        guild = request["path"].rpartition("/")[2]
        if found := _GATEWAY_NOTE.fullmatch(entry.get("note", "")):
            self._gateways[guild] = f"{{gateway {found[1] or 'silent'}}}"
        entry = json.loads(_GATEWAY.sub(self._gateways.get(guild, "{gateway}"), json.dumps(entry)))
        request, answer = entry["request"], entry["response"]
        text = isinstance(answer, dict) and "_text" in answer
        values = {} if text else values_of(answer)
        values |= {name: value for name, value in entry["response_headers"].items() if name == "Allow"}
        shape = self._shape("text" if text else shape_of(answer))
        path, body = self._text(request["path"]), self._body(request["body"])
        headers = headers_of(request["headers"])
        return ["rest", request["method"], path, headers, body, entry["status"], shape, self._body(values)]

    def _socket(self, entry: dict[str, Any]) -> Iterator[Step]:
        conn = entry["conn"]
        match entry:
            case {"connect": connect, "handshake_status": status}:
                headers = headers_of(connect["headers"])
                if headers.get("Session-Id") in self._sessions:
                    headers["Session-Id"] = "{" + self._sessions[headers["Session-Id"]] + "}"
                resumed = (entry.get("handshake_headers") or {}).get("Session-Resumed")
                yield ["connect", conn, connect["path"], headers, status, resumed]
            case {"message": message}:
                yield from self._message(conn, message)
            case {"client_closed": code}:
                yield ["hangup", conn, code]
            case {"client_aborted_tcp": True}:
                yield ["hangup", conn, "abort"]
            case {"closed": closed} if closed["type"] == _SERVER_CLOSE or self._stopping:
                yield ["closed", conn, closed["code"]]
            case _:
                pass

    def _message(self, conn: str, message: dict[str, Any]) -> Iterator[Step]:
        if message["op"] == "ready":
            self._sessions.setdefault(message["sessionId"], f"s{len(self._sessions)}")
        name, guild = message.get("type", message["op"]), message.get("guildId")
        unnoted = name == "WebSocketClosedEvent" and message["byRemote"] and not message["reason"]
        if unnoted and guild not in self._gateways:
            # The recorder's gateway did not note when it refused a resume.
            yield ["voice", guild, message["code"], ""]
        yield ["got", conn, name, guild, self._shape(shape_of(message)), self._body(message_values(message))]

    def _shape(self, shape: Any) -> int:
        if shape not in self._shapes:
            self._shapes.append(shape)
        return self._shapes.index(shape)

    def _text(self, text: str) -> str:
        text = text.replace(_MEDIA_HOST, MEDIA)
        text = _ENCODED.sub(self._track, text)
        return _SESSION.sub(self._session, text)

    def _session(self, found: re.Match[str]) -> str:
        name = self._sessions.get(found[0])
        return f"{{{name}}}" if name else found[0]

    def _body(self, body: Any) -> Any:
        text = json.dumps(body).replace(_MEDIA_HOST, MEDIA)
        return json.loads(_ENCODED.sub(self._track, text))

    def _track(self, found: re.Match[str]) -> str:
        if found[0] not in self._tracks:
            self._tracks.append(found[0])
        return f"{{track{self._tracks.index(found[0])}}}"


def digest_of(folder: Path) -> dict[str, Any]:
    """The digest of a folder of recordings."""
    shapes: list[Any] = []
    tracks: list[str] = []
    recordings: dict[str, list[Step]] = {}
    for file in sorted(folder.glob("*.jsonl")):
        entries = [json.loads(line) for line in file.read_text().splitlines()]
        if any(entry["kind"] == "rest" or "handshake_status" in entry for entry in entries):
            recordings[file.stem] = list(Digester(shapes, tracks).steps(entries))
    return {"shapes": shapes, "tracks": tracks, **recordings}


def text_of(digest: dict[str, Any]) -> str:
    """The digest as it stands in the file: a line for every shape, track and step."""
    parts = [f"{json.dumps(name)}: [\n" + ",\n".join(map(_compact, rows)) + "\n]" for name, rows in digest.items()]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _compact(row: Any) -> str:
    return json.dumps(row, separators=(",", ":"))


if __name__ == "__main__":
    DIGEST.write_text(text_of(digest_of(Path(os.environ["LAVALINK_RECORDINGS"]))))
