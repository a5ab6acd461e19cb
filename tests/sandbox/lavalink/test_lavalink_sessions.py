"""The WebSocket: handshake, ready, stats, resume."""

import asyncio
import re
from pathlib import Path

import aiohttp
import pytest

from sandbox.lavalink import LavalinkStandIn
from sandbox.lavalink.playback import BUFFER_S
from tests.sandbox.lavalink.client import VOICE, LavalinkClient

KNOWN = {"Authorization": "youshallnotpass", "User-Id": "1"}


async def _resumable(client: LavalinkClient, timeout: int = 60) -> str:
    path = f"/v4/sessions/{client.session_id}"
    await client.request("PATCH", path, json={"resuming": True, "timeout": timeout})
    return client.session_id


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"User-Id": "1"}, 401),
        (KNOWN | {"Authorization": "wrong"}, 401),
        ({"Authorization": "youshallnotpass"}, 400),
        (KNOWN | {"User-Id": ""}, 400),
        (KNOWN | {"User-Id": "0"}, 400),
        (KNOWN | {"Origin": "http://evil.example"}, 403),
    ],
)
async def test_bad_handshakes_are_refused(lavalink: LavalinkStandIn, headers: dict[str, str], status: int) -> None:
    async with aiohttp.ClientSession(lavalink.base_url) as http:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await http.ws_connect("/v4/websocket", headers=headers)
        assert refused.value.status == status


async def test_a_user_id_that_is_no_number_is_closed_with_1011(lavalink: LavalinkStandIn) -> None:
    async with aiohttp.ClientSession(lavalink.base_url) as http:
        socket = await http.ws_connect("/v4/websocket", headers=KNOWN | {"User-Id": "abc"})
        closing = await socket.receive()
        assert (closing.type, closing.data) == (aiohttp.WSMsgType.CLOSE, 1011)


async def test_a_connection_brings_ready_and_then_stats(client: LavalinkClient) -> None:
    await client.until("stats")
    ready, stats = client.messages
    assert ready["resumed"] is False
    assert re.fullmatch("[a-z0-9]{16}", ready["sessionId"])
    assert {"frameStats", "players", "playingPlayers", "uptime", "memory", "cpu"} < stats.keys()


async def test_by_chance_stats_come_before_ready(music: Path) -> None:
    first: list[str] = []
    async with LavalinkStandIn(music=music, seed=1) as lavalink:
        for _ in range(60):
            async with LavalinkClient(lavalink) as client:
                first.append(client.kinds()[0])
    # Two in 32 at a real server.
    assert 1 <= first.count("stats") <= 8
    assert first.count("stats") + first.count("ready") == 60


async def test_binary_frames_close_with_1003_and_text_is_ignored(client: LavalinkClient) -> None:
    assert client.socket is not None
    for text in ("{}", "text", '{"op": "play", "guildId": "1"}'):
        await client.socket.send_str(text)
    await client.update(1, volume=5)
    assert client.close_code is None
    await client.socket.send_bytes(b"x")
    await client.until("closed")
    assert client.close_code == 1003


async def test_a_resume_brings_the_session_back_with_its_events_and_an_update_a_player(
    client: LavalinkClient, lavalink: LavalinkStandIn
) -> None:
    session_id = await _resumable(client)
    await client.update(1, voice=VOICE, track={"identifier": lavalink.file_url("short.wav")})
    await client.update(2, track={"identifier": lavalink.file_url("long.wav")})
    await lavalink.reset()
    await client.until("closed")
    assert client.close_code == 1006
    assert (await client.get(client.path(1))).status == 404
    await lavalink.until(lambda: lavalink.account.of(1)[0].end_reason)
    assert (await client.connect(**{"Session-Id": session_id})) == {
        "op": "ready",
        "resumed": True,
        "sessionId": session_id,
    }
    await client.until("playerUpdate", lambda message: message["guildId"] == "2")
    assert client.kinds() == ["ready", "TrackEndEvent", "playerUpdate", "playerUpdate"]
    assert (await client.player(2))["track"] is not None


async def test_a_resume_works_after_a_clean_close_too(client: LavalinkClient) -> None:
    session_id = await _resumable(client)
    await client.hang_up()
    assert (await client.connect(**{"Session-Id": session_id}))["resumed"] is True


async def test_without_resuming_a_lost_socket_ends_the_session(
    client: LavalinkClient, lavalink: LavalinkStandIn
) -> None:
    session_id = client.session_id
    await client.update(1, track={"identifier": lavalink.file_url("long.wav")})
    await lavalink.reset()
    assert lavalink.account.plays[0].end_reason == "cleanup"
    assert (await client.connect(**{"Session-Id": session_id}))["resumed"] is False


@pytest.mark.parametrize("timeout", [0, -5, 1])
async def test_a_session_is_gone_after_its_timeout(
    client: LavalinkClient, lavalink: LavalinkStandIn, timeout: int
) -> None:
    session_id = await _resumable(client, timeout)
    await client.update(1, track={"identifier": lavalink.file_url("long.wav")})
    await lavalink.reset()
    await lavalink.until(lambda: not lavalink.players())
    ready = await client.connect(**{"Session-Id": session_id})
    assert ready["resumed"] is False
    assert ready["sessionId"] != session_id


async def test_unknown_and_still_connected_session_ids_give_a_new_session(client: LavalinkClient) -> None:
    session_id = await _resumable(client)
    async with LavalinkClient(client.lavalink) as other:
        await other.hang_up()
        assert (await other.connect(**{"Session-Id": "doesnotexist0000"}))["resumed"] is False
        await other.hang_up()
        assert (await other.connect(**{"Session-Id": session_id}))["resumed"] is False
    assert (await client.get(f"/v4/sessions/{session_id}/players")).body == []


async def test_two_sessions_of_one_user_are_independent(client: LavalinkClient, lavalink: LavalinkStandIn) -> None:
    await client.update(1, volume=10)
    async with LavalinkClient(lavalink) as other:
        await other.update(1, volume=20)
        assert (await client.player())["volume"] == 10
        assert (await other.player())["volume"] == 20
        assert len(lavalink.players(1)) == 2


async def test_stats_are_pushed_every_interval_with_frames_of_a_whole_one(
    music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.lavalink.websocket.STATS_INTERVAL_S", 0.2)
    monkeypatch.setattr("sandbox.lavalink.stats.STATS_INTERVAL_S", 0.2)
    async with LavalinkStandIn(music=music, races=False) as lavalink, LavalinkClient(lavalink) as client:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        await client.update(1, voice=VOICE, track={"identifier": lavalink.file_url("long.wav")})
        await client.update(2, track={"identifier": lavalink.file_url("long.wav")}, paused=True)
        stats = await client.until("stats", lambda message: message["frameStats"])
        assert (stats["players"], stats["playingPlayers"]) == (2, 1)
        # Of 3,000 frames a minute: what was not sent is the deficit.
        frames = stats["frameStats"]
        assert (frames["nulled"], frames["deficit"]) == (0, 3000 - frames["sent"])
        await asyncio.sleep(0.2)
        assert (await client.get("/v4/stats")).body["frameStats"] is None
        # A frame is 20 ms; what is sent ahead of the clock may be counted in the same interval.
        assert 8 <= stats["frameStats"]["sent"] <= (loop.time() - begun + BUFFER_S) / 0.02 + 1
