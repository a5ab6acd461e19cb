"""REST as a real 4.2.2 answers it."""

import asyncio
import time
from typing import Any

import aiohttp
import pytest

from sandbox.lavalink import LavalinkStandIn
from tests.sandbox.lavalink.client import VOICE, LavalinkClient

PLAYER = "/v4/sessions/none/players/1"


@pytest.mark.parametrize("path", ["/version", "/v4/info", "/v4/stats", "/v4/loadtracks?identifier=x"])
async def test_no_password_is_401_and_a_wrong_one_403_with_empty_bodies(client: LavalinkClient, path: str) -> None:
    async with aiohttp.ClientSession(client.lavalink.base_url) as stranger:
        async with stranger.get(path) as response:
            assert (response.status, await response.read()) == (401, b"")
        async with stranger.get(path, headers={"Authorization": "wrong"}) as response:
            assert (response.status, await response.read()) == (403, b"")
            assert response.headers["Lavalink-Api-Version"] == "4"


@pytest.mark.parametrize("path", ["/v4/nope", "/v4/info/", "/v4/version", "/v4/sessions", "/loadtracks"])
async def test_unknown_paths_are_404_even_without_a_password(client: LavalinkClient, path: str) -> None:
    async with aiohttp.ClientSession(client.lavalink.base_url) as stranger, stranger.get(path) as response:
        body = await response.json()
    assert response.status == 404
    assert list(body) == ["timestamp", "status", "error", "message", "path"]
    assert {**body, "timestamp": 0} == {
        "timestamp": 0,
        "status": 404,
        "error": "Not Found",
        "message": f"No endpoint GET {path}.",
        "path": path,
    }
    assert isinstance(body["timestamp"], int)


async def test_wrong_methods_are_405_and_name_the_right_ones(client: LavalinkClient) -> None:
    for method, path, allowed in [
        ("POST", "/v4/info", "GET"),
        ("GET", "/v4/sessions/x", "PATCH"),
        ("PUT", PLAYER, "GET, PATCH, DELETE"),
    ]:
        answer = await client.request(method, path, headers={"Authorization": "wrong"})
        assert (answer.status, answer.headers["Allow"]) == (405, allowed)
        assert answer.body["message"] == f"Method '{method}' is not supported."


async def test_a_trace_comes_only_when_asked_for(client: LavalinkClient) -> None:
    for path in ("/v4/nope", "/v4/nope?trace=false", "/v4/nope?trace"):
        assert "trace" not in (await client.get(path)).body
    assert isinstance((await client.get("/v4/nope?trace=true")).body["trace"], str)


async def test_version_info_stats_and_route_planner_have_their_shapes(client: LavalinkClient) -> None:
    assert (await client.get("/version")).body == "4.2.2"
    info = (await client.get("/v4/info")).body
    assert info["version"]["preRelease"] == ""
    assert "build" not in info["version"]
    stats = (await client.get("/v4/stats")).body
    assert stats["frameStats"] is None
    assert stats["players"] == stats["playingPlayers"] == 0
    await asyncio.sleep(0.05)
    assert 50 <= (await client.get("/v4/stats")).body["uptime"] - stats["uptime"] < 10_000
    assert (await client.get("/v4/routeplanner/status")).status == 204
    assert (await client.request("POST", "/v4/routeplanner/free/all")).status == 500
    for path in ("/", "/v3/websocket"):
        page = await client.get(path)
        assert (page.status, page.body) == (200, None)


async def test_unknown_sessions_and_players_are_404(client: LavalinkClient) -> None:
    assert (await client.get(PLAYER)).body["message"] == "Session not found"
    assert (await client.get(client.path(1))).body["message"] == "Player not found"
    assert (await client.get(client.path("abc"))).status == 400
    assert (await client.get(client.path(1 << 63))).status == 400
    assert (await client.delete(1)).status == 204


async def test_an_empty_patch_makes_a_player_with_the_documented_shape(client: LavalinkClient) -> None:
    body = (await client.update(1)).body
    state = body.pop("state")
    assert abs(state["time"] - time.time() * 1000) < 10_000
    assert {**state, "time": 0} == {"time": 0, "position": 0, "connected": False, "ping": -1}
    assert body == {
        "guildId": "1",
        "track": None,
        "volume": 100,
        "paused": False,
        "voice": {"token": "", "endpoint": "", "sessionId": "", "channelId": None},
        "filters": {},
    }


@pytest.mark.parametrize(
    "fields",
    [
        {"volume": 50.5},
        {"volume": None},
        {"volume": 1 << 31},
        {"paused": 1},
        {"paused": "true"},
        {"position": None},
        {"endTime": 0},
        {"filters": None},
        {"filters": []},
        {"track": None},
        {"track": {"userData": None}},
        {"track": {"userData": [1]}},
        {"track": {"identifier": None}},
        {"track": {"identifier": "words"}},
        {"track": {"identifier": "loaderror"}},
        {"track": {"encoded": None, "identifier": "stuck"}},
        {"track": {}, "encodedTrack": None},
        {"voice": {"token": "t", "endpoint": "e", "sessionId": "s"}},
        {"voice": VOICE | {"channelId": None}},
        {"voice": VOICE | {"token": ""}},
    ],
)
async def test_a_wrong_field_is_400(client: LavalinkClient, fields: dict[str, Any]) -> None:
    answer = await client.update(1, **fields)
    assert (answer.status, answer.body["status"], answer.body["error"]) == (400, 400, "Bad Request")
    assert answer.body["path"] == client.path(1)


async def test_what_cannot_be_played_by_its_identifier_is_said(
    client: LavalinkClient, lavalink: LavalinkStandIn
) -> None:
    for identifier, message in [
        ("words", "No matches found for identifier"),
        ("loaderror", "Something went wrong while looking up the track."),
        ("ytsearch:morning", "Cannot play a playlist or search result"),
        (lavalink.file_url("album"), "Cannot play a playlist or search result"),
    ]:
        answer = await client.update(1, track={"identifier": identifier})
        assert (answer.status, answer.body["message"]) == (400, message)


async def test_unknown_fields_are_ignored_and_quoted_numbers_pass(client: LavalinkClient) -> None:
    assert (await client.update(1, volume="50", nonsense=[])).body["volume"] == 50
    quoted = {"timescale": {"speed": "1.5"}}
    assert (await client.update(1, filters=quoted)).body["filters"]["timescale"]["speed"] == 1.5


async def test_bad_json_is_400_and_text_is_415(client: LavalinkClient) -> None:
    as_json = {"Content-Type": "application/json"}
    for data in (b"{bad", b"", b"[]", b"null"):
        assert (await client.request("PATCH", client.path(1), data=data, headers=as_json)).status == 400
    assert (await client.get(client.path(1))).status == 404
    as_text = {"Content-Type": "text/plain"}
    assert (await client.request("PATCH", client.path(1), data=b"{}", headers=as_text)).status == 415


async def test_volume_is_clamped_silently(client: LavalinkClient) -> None:
    for given, kept in [(-1, 0), (1001, 1000), (1_000_000_000, 1000), (42, 42)]:
        assert (await client.update(1, volume=given)).body["volume"] == kept


async def test_filters_replace_as_a_whole_with_defaults_filled_in(client: LavalinkClient) -> None:
    await client.update(1, filters={"volume": 0.5, "equalizer": [{"band": 0}]})
    body = (await client.update(1, filters={"timescale": {"speed": 1.2}, "karaoke": None, "other": {}})).body
    assert body["filters"] == {"timescale": {"speed": 1.2, "pitch": 1.0, "rate": 1.0}}
    assert (await client.update(1, filters={"timescale": {"speed": -1}})).status == 200
    assert (await client.update(1, filters={"equalizer": [{"band": 15}]})).status == 500
    assert (await client.update(1, filters={"volume": None})).status == 400


async def test_resuming_is_off_by_default_and_is_changed_by_field(client: LavalinkClient) -> None:
    path = f"/v4/sessions/{client.session_id}"
    assert (await client.request("PATCH", path, json={})).body == {"resuming": False, "timeout": 60}
    assert (await client.request("PATCH", path, json={"resuming": True})).body["timeout"] == 60
    assert (await client.request("PATCH", path, json={"timeout": 5})).body == {"resuming": True, "timeout": 5}
    for timeout in (-5, 0, 3600, (1 << 63) - 1):
        answer = await client.request("PATCH", path, json={"timeout": timeout})
        assert answer.body == {"resuming": True, "timeout": timeout}
    assert (await client.request("PATCH", path, json={"timeout": None})).status == 400


async def test_requests_are_listed_with_body_and_status(client: LavalinkClient, lavalink: LavalinkStandIn) -> None:
    await client.update(7, volume=3)
    seen = lavalink.requests[-1]
    assert (seen.method, seen.body, seen.status) == ("PATCH", {"volume": 3}, 200)
    assert seen.path.endswith("/players/7")


async def test_a_hanging_path_answers_after_heal_only(client: LavalinkClient, lavalink: LavalinkStandIn) -> None:
    lavalink.hang("/v4/loadtracks")
    waiting = asyncio.create_task(client.load("ytsearch:short"))
    await lavalink.until(lambda: lavalink.requests[-1].path.startswith("/v4/loadtracks"))
    assert (await client.get("/version")).status == 200
    assert not waiting.done()
    lavalink.heal()
    assert (await waiting)["loadType"] == "search"


async def test_a_slow_server_carries_out_at_once_and_answers_later_until_up(
    client: LavalinkClient, lavalink: LavalinkStandIn
) -> None:
    lavalink.slow(0.2)
    started = asyncio.get_running_loop().time()
    answering = asyncio.create_task(client.update(1, volume=7))
    await lavalink.until(lambda: [player.volume for player in lavalink.players(1)] == [7])
    assert not answering.done()
    await answering
    assert asyncio.get_running_loop().time() - started >= 0.2
    lavalink.slow(60)
    await lavalink.up()
    async with asyncio.timeout(5):
        await client.update(1, volume=8)
