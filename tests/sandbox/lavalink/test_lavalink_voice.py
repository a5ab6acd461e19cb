"""The voice connection as a client of Lavalink sees it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.lavalink import LavalinkStandIn, VoiceState
from tests.sandbox.lavalink.client import VOICE, LavalinkClient
from tests.sandbox.lavalink.fast_loop import FastLoop


def _play(lavalink: LavalinkStandIn) -> dict[str, Any]:
    return {"voice": VOICE, "track": {"identifier": lavalink.file_url("long.wav")}}


async def test_voice_data_connects_and_is_shown(client: LavalinkClient) -> None:
    body = (await client.update(1, voice=VOICE)).body
    assert (body["state"]["connected"], body["state"]["ping"]) == (True, 0)
    assert body["voice"] == VOICE
    assert (await client.until("playerUpdate"))["state"]["connected"] is True


class _Discord:
    """Says of voice data what a test wants."""

    def __init__(self) -> None:
        self.answer: bool | None = True
        self.asked: list[tuple[int, VoiceState]] = []

    def check(self, guild_id: int, state: VoiceState) -> bool | None:
        self.asked.append((guild_id, state))
        return self.answer


@pytest.fixture
async def discord() -> _Discord:
    return _Discord()


@pytest.fixture
async def checked(discord: _Discord, music: Path) -> AsyncIterator[LavalinkStandIn]:
    async with LavalinkStandIn(music=music, voice_check=discord.check, races=False) as lavalink:
        yield lavalink


async def test_rejected_data_shows_connected_at_first_and_then_closes_with_4006(
    checked: LavalinkStandIn, discord: _Discord, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Longer than a busy machine takes for an answer.
    monkeypatch.setattr("sandbox.lavalink.voice_link._REJECTION_S", 0.5)
    discord.answer = False
    async with LavalinkClient(checked) as client:
        body = (await client.update(5, **_play(checked))).body
        assert body["state"]["connected"] is True
        closed = await client.until("WebSocketClosedEvent")
        assert (closed["code"], closed["byRemote"], closed["guildId"]) == (4006, True, "5")
        state = (await client.player(5))["state"]
        assert (state["connected"], state["position"], state["ping"]) == (False, 0, 0)
        assert checked.account.plays[0].sent_ms == 0
    assert discord.asked == [(5, VoiceState("token", "voice.local:443", "session", "555"))]


async def test_an_endpoint_that_never_answers_hangs_voice_patches_until_deleted(
    checked: LavalinkStandIn, discord: _Discord
) -> None:
    discord.answer = None
    async with LavalinkClient(checked) as client:
        for _ in range(2):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await client.update(1, voice=VOICE)
            discord.answer = True
        assert (await client.update(1, volume=5)).body["volume"] == 5
        assert (await client.player())["state"]["ping"] == -1
        assert (await client.delete()).status == 204
        assert (await client.update(1, voice=VOICE)).body["state"]["connected"] is True


def test_it_hangs_for_good(music: Path) -> None:
    async def minutes() -> None:
        nowhere = LavalinkStandIn(music=music, voice_check=lambda *_: None)
        async with nowhere as lavalink, LavalinkClient(lavalink) as client:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(250):
                    await client.update(1, voice=VOICE)

    with asyncio.Runner(loop_factory=FastLoop) as runner:
        runner.run(minutes())


async def test_voice_can_be_made_to_hang(client: LavalinkClient, lavalink: LavalinkStandIn) -> None:
    lavalink.hang_voice()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await client.update(1, voice=VOICE)
    lavalink.heal()
    assert (await client.update(2, voice=VOICE)).body["state"]["connected"] is True


@pytest.mark.parametrize("code", [4014, 4006, 4004, 4011, 4021, 4022, 1000])
async def test_a_close_by_discord_is_told_and_the_track_runs_on_unheard(
    client: LavalinkClient, lavalink: LavalinkStandIn, code: int
) -> None:
    await client.update(1, **_play(lavalink))
    await asyncio.sleep(0.05)
    lavalink.close_voice(1, code, "why")
    closed = await client.until("WebSocketClosedEvent")
    assert (closed["code"], closed["reason"], closed["byRemote"]) == (code, "why", True)
    before = (await client.player())["state"]
    assert (before["connected"], before["ping"]) == (False, 0)
    await asyncio.sleep(0.1)
    assert (await client.player())["state"]["position"] > before["position"]
    play = lavalink.account.plays[0]
    assert play.heard_ms <= before["position"] + 20 < play.sent_ms


@pytest.mark.parametrize("code", [4009, 4015, 4016, 1001, 1006])
async def test_closes_that_lavalink_resumes_are_not_seen(
    client: LavalinkClient, lavalink: LavalinkStandIn, code: int
) -> None:
    await client.update(1, voice=VOICE)
    lavalink.close_voice(1, code)
    assert (await client.player())["state"]["connected"] is True
    assert "WebSocketClosedEvent" not in client.kinds()


async def test_the_same_data_again_does_nothing_until_discord_has_closed(
    client: LavalinkClient, lavalink: LavalinkStandIn
) -> None:
    await client.update(1, voice=VOICE)
    await client.until("answer")
    del client.messages[:]
    await client.update(1, voice=VOICE)
    assert client.kinds() == ["answer"]
    lavalink.close_voice(1, 4014)
    await client.until("WebSocketClosedEvent")
    assert (await client.update(1, voice=VOICE)).body["state"]["connected"] is True


async def test_new_data_closes_with_1000_and_plays_on(client: LavalinkClient, lavalink: LavalinkStandIn) -> None:
    await client.update(1, **_play(lavalink))
    await asyncio.sleep(0.05)
    del client.messages[:]
    body = (await client.update(1, voice=VOICE | {"token": "new"})).body
    assert body["state"]["connected"] is True
    await client.until("answer")
    assert client.kinds() == ["WebSocketClosedEvent", "playerUpdate", "playerUpdate", "answer"]
    closed, lost, back = client.messages[:3]
    assert (closed["code"], closed["reason"], closed["byRemote"]) == (1000, "", False)
    assert (lost["state"]["connected"], lost["state"]["ping"]) == (False, -1)
    assert back["state"]["connected"] is True
    await asyncio.sleep(0.1)
    assert (await client.player())["state"]["position"] > body["state"]["position"]


async def test_a_close_by_lavalink_itself_stops_the_sound(client: LavalinkClient, lavalink: LavalinkStandIn) -> None:
    await client.update(1, **_play(lavalink))
    await asyncio.sleep(0.05)
    lavalink.close_voice(1, 1000, by_remote=False)
    await client.until("WebSocketClosedEvent")
    before = (await client.player())["state"]
    await asyncio.sleep(0.1)
    after = (await client.player())["state"]
    assert (after["connected"], after["position"]) == (False, before["position"])


async def test_delete_closes_the_voice_connection(client: LavalinkClient, lavalink: LavalinkStandIn) -> None:
    await client.update(1, **_play(lavalink))
    await client.until("answer")
    del client.messages[:]
    await client.delete()
    await client.until("playerUpdate")
    assert client.kinds() == ["TrackEndEvent", "WebSocketClosedEvent", "playerUpdate"]


async def test_a_reconnect_that_is_rejected_stops_the_sound(checked: LavalinkStandIn, discord: _Discord) -> None:
    async with LavalinkClient(checked) as client:
        await client.update(1, **_play(checked))
        checked.close_voice(1, 4014)
        await client.until("WebSocketClosedEvent")
        discord.answer = False
        await client.update(1, voice=VOICE | {"token": "old"})
        await client.until("WebSocketClosedEvent", lambda message: message["code"] == 4006)
        before = (await client.player())["state"]["position"]
        await asyncio.sleep(0.1)
        assert (await client.player())["state"]["position"] == before
