"""Requests recorded on a real 4.2.2, sent to the stand-in: status, body keys and types must agree."""

import json
import os
import re
import struct
import wave
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.lavalink import LavalinkStandIn
from tests.sandbox.lavalink.client import LavalinkClient

RECORDINGS = os.environ.get("LAVALINK_RECORDINGS")
pytestmark = pytest.mark.skipif(
    RECORDINGS is None, reason="LAVALINK_RECORDINGS names no folder with recordings of a real Lavalink"
)
MEDIA = "http://127.0.0.1:23380"
# Left out: pages for browsers, HEAD, and what the recorder's own media server and gateway did.
_OTHER = re.compile(
    r"^/error|/status/|/redir/|/stall/|/slowhdr|/gone/|https?://(?!127)|no-such-host|midcorrupt|trunc|/music/"
    r"|\.(mp3|ogg|opus|flac|m4a|pls|m3u|html)|tone%20|tone\+|\?q|youtube"
)
_ANY_SESSION = re.compile(r"/v4/sessions/(?!unknown|x$)[a-z0-9]{16}")


def _recorded(name: str) -> Iterator[dict[str, Any]]:
    for line in Path(RECORDINGS or "", f"{name}.jsonl").read_text().splitlines():
        entry = json.loads(line)
        if entry["kind"] == "rest" and entry["status"] is not None:
            yield entry


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[LavalinkClient]:
    """A client of a stand-in that has the recorder's files, silent and of the same names."""
    for name, milliseconds in [("tone6.wav", 6000), ("speech.wav", 1878), ("long120.wav", 120_058)]:
        with wave.open(str(tmp_path / name), "wb") as file:
            file.setparams((1, 1, 1000, 0, "NONE", ""))
            file.writeframes(struct.pack("B", 128) * milliseconds)
    async with LavalinkStandIn(music=tmp_path) as lavalink, LavalinkClient(lavalink) as client:
        yield client


def _shape(value: Any) -> Any:
    """Keys and types; numbers are one type, and of a list its first item stands for all."""
    if isinstance(value, dict):
        # Whether a file has an ISRC is the file's affair.
        return {key: "any" if key == "isrc" else _shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_shape(item) for item in value[:1]]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "number"
    return type(value).__name__


async def _replay(client: LavalinkClient, entry: dict[str, Any]) -> tuple[int, Any]:
    request = entry["request"]
    files = client.lavalink.file_url("").rstrip("/")
    path = _ANY_SESSION.sub(f"/v4/sessions/{client.session_id}", request["path"].replace(MEDIA, files))
    headers = {key: value for key, value in request["headers"].items() if key != "Authorization"}
    body = request["body"]
    sent: dict[str, Any] = {}
    if isinstance(body, dict) and "_raw" in body:
        sent["data"] = body["_raw"]
    elif body is not None:
        # The recorder's mp3 files are not there; a wav of about that length serves as well.
        text = re.sub(r"(long120|tagged20)\.mp3", "long120.wav", json.dumps(body).replace(MEDIA, files))
        sent["json"] = json.loads(text)
    authorization = request["headers"].get("Authorization")
    async with client._http.request(
        request["method"],
        path,
        headers=headers | ({} if authorization is None else {"Authorization": authorization}),
        **sent,
    ) as response:
        text = await response.text()
        is_json = response.content_type == "application/json" and text and request["method"] != "HEAD"
        return response.status, json.loads(text) if is_json else None


def _differences(entry: dict[str, Any], status: int, body: Any) -> list[str]:
    request, expected = entry["request"], entry["response"]
    where = f"{request['method']} {request['path'][:90]} {json.dumps(request['body'])[:120]}"
    if status != entry["status"]:
        return [f"{where}: {status}, a real one {entry['status']}"]
    if expected is None or "_text" in expected:
        return []
    found: list[str] = []
    if _shape(body) != _shape(expected):
        found.append(f"{where}: {_shape(body)}, a real one {_shape(expected)}")
    if status >= 400 and body["message"] != expected["message"]:
        found.append(f"{where}: {body['message']}, a real one {expected['message']}")
    return found


@pytest.mark.parametrize("name", ["01_rest_basics", "03_loadtracks", "03b_decode", "04b_filters"])
async def test_recorded_requests_are_answered_alike(client: LavalinkClient, name: str) -> None:
    differences: list[str] = []
    replayed = 0
    for entry in _recorded(name):
        request = entry["request"]
        text = request["path"] if "loadtracks" in request["path"] else request["path"].split("?")[0]
        if _OTHER.search(text) or entry.get("note", "").startswith("after WS close"):
            continue
        if request["headers"].get("Accept", "").startswith(("text/html", "application/xml")):
            continue
        differences += _differences(entry, *await _replay(client, entry))
        replayed += 1
    assert differences == []
    assert replayed >= 10


async def test_recorded_filters_come_back_with_the_same_values(client: LavalinkClient) -> None:
    compared = 0
    for entry in _recorded("04b_filters"):
        if entry["status"] == 200 and "filters" in (entry["request"]["body"] or {}):
            _, body = await _replay(client, entry)
            assert body["filters"] == entry["response"]["filters"]
            compared += 1
    assert compared >= 30


async def test_a_recorded_course_of_a_player_goes_alike(client: LavalinkClient) -> None:
    """Volume, pause, userData, and whether there is a track: after every one of its requests."""
    differences: list[str] = []
    for entry in _recorded("04a_player_patch_novoice"):
        body = json.dumps(entry["request"]["body"])
        if "loadtracks" in entry["request"]["path"] or "corrupt" in body:
            continue
        status, answer = await _replay(client, entry)
        differences += _differences(entry, status, answer)
        expected = entry["response"]
        if isinstance(expected, dict) and "volume" in expected:
            for name, value in _kept(expected).items():
                if _kept(answer)[name] != value:
                    differences.append(f"{body[:90]}: {name} {_kept(answer)[name]}, a real one {value}")
    assert differences == []


def _kept(player: dict[str, Any]) -> dict[str, Any]:
    track = player["track"]
    kept = {name: player[name] for name in ("guildId", "volume", "paused", "filters", "voice")}
    return kept | {"userData": None if track is None else track["userData"]}
