"""The voice server as Discord documents it, seen by a client of the tests' own."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from sandbox.discord_voice import VoiceServer
from tests.sandbox.discord_voice.client import AES_MODE, XCHACHA_MODE, VoiceClient
from tests.sandbox.discord_voice.conftest import BOT, GIVEN, GUILD, Discord


@pytest.mark.parametrize("mode", [AES_MODE, XCHACHA_MODE])
async def test_sound_arrives_and_is_counted(server: VoiceServer, client: VoiceClient, mode: str) -> None:
    await client.join(mode=mode)
    for _ in range(5):
        client.speak()
    client.speak(b"\xf8\xff\xfe")
    await server.until(lambda: server.sound(GUILD).packets == 6)
    sound = server.sound(GUILD)
    assert (sound.silence, sound.broken, sound.unheard, sound.lost) == (1, 0, 0, 0)
    session = server.session(GUILD)
    assert session is not None
    await server.until(lambda: session.speaking == 1)


@pytest.mark.parametrize("mode", [AES_MODE, XCHACHA_MODE])
async def test_what_no_key_fits_and_what_is_missing_is_counted_too(
    server: VoiceServer, client: VoiceClient, mode: str
) -> None:
    await client.join(mode=mode)
    client.speak()
    client.speak(key=bytes(32))
    client.speak(skip=3)
    await server.until(lambda: server.sound(GUILD).packets == 2)
    assert (server.sound(GUILD).broken, server.sound(GUILD).lost) == (1, 4)


@pytest.mark.parametrize(
    ("shown", "code"),
    [
        ({"token": "other"}, 4004),
        ({"user_id": "112"}, 4004),
        ({"session_id": "other"}, 4006),
        ({"server_id": "501"}, 4011),
        ({"server_id": "abc"}, 4002),
    ],
)
async def test_a_wrong_identify_is_refused(client: VoiceClient, shown: dict[str, Any], code: int) -> None:
    await client.connect()
    await client.get(8)
    await client.send(0, client.identity(**shown))
    assert await client.closed() == code


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([(1, {"protocol": "udp"})], 4003),
        ([(99, None)], 4001),
        ([(3, 5)], 4002),
        ([("identify", {}), ("identify", {})], 4005),
        ([("identify", {}), (1, {"protocol": "webrtc", "data": {}})], 4012),
        ([("identify", {}), (1, {"protocol": "udp", "data": {"address": "x", "port": 1, "mode": "plain"}})], 4016),
    ],
)
async def test_what_is_out_of_turn_closes_with_its_code(
    client: VoiceClient, messages: list[tuple[int | str, Any]], code: int
) -> None:
    await client.connect()
    for op, data in messages:
        await (client.send(0, client.identity()) if op == "identify" else client.send(int(op), data))
    assert await client.closed() == code


async def test_no_json_and_another_version_are_refused(client: VoiceClient) -> None:
    await client.connect()
    await client.ws.send_str("{")
    assert await client.closed() == 4002
    for version in (4, 7, 9):
        await client.connect(version=version)
        assert await client.closed() == 4020


async def test_a_heartbeat_is_answered_with_its_own_number(server: VoiceServer, client: VoiceClient) -> None:
    await client.join()
    await client.send(3, {"t": 1501184119561, "seq_ack": client.seq})
    assert await client.get(6) == {"t": 1501184119561}
    session = server.session(GUILD)
    assert session is not None
    assert session.seq_ack == client.seq == 2


async def test_a_client_without_a_heartbeat_is_timed_out(discord: Discord) -> None:
    async with VoiceServer(discord.credentials, BOT, heartbeat_s=0.3) as server:
        async with VoiceClient.to(server, GUILD, GIVEN, BOT) as client:
            await client.join()
            assert await client.closed() == 4009
        assert server.closes == [4009]


@pytest.mark.parametrize("how", [4015, 4009, 4016, 1001, "cut"])
async def test_a_resume_brings_what_was_missed_and_sound_goes_on(
    server: VoiceServer, client: VoiceClient, how: int | str
) -> None:
    await client.join()
    client.speak()
    await server.until(lambda: server.sound(GUILD).packets == 1)
    await (server.close(GUILD, int(how)) if isinstance(how, int) else asyncio.to_thread(lambda: None))
    if how == "cut":
        server.cut(GUILD)
    await client.closed()
    session = server.session(GUILD)
    assert session is not None
    await server.until(lambda: not session.connected)
    client.speak()
    await server.until(lambda: server.sound(GUILD).unheard == 1)
    client.seq = 1  # the session's description is taken for missed
    await client.resume()
    assert await client.get(9) is None
    assert (await client.get(4))["mode"] == AES_MODE
    client.speak()
    await server.until(lambda: server.sound(GUILD).packets == 2)
    assert session.resumes == 1


@pytest.mark.parametrize("code", [4006, 4014, 4022])
async def test_a_final_close_leaves_nothing_to_resume(server: VoiceServer, client: VoiceClient, code: int) -> None:
    await client.join()
    await server.close(GUILD, code, "why")
    assert await client.closed() == code
    await client.resume()
    assert await client.closed() == 4006


async def test_a_client_that_leaves_has_left(server: VoiceServer, client: VoiceClient) -> None:
    await client.join()
    await client.ws.close(code=1000)
    await server.until(lambda: server.session(GUILD) is None)


async def test_a_bot_that_was_moved_or_removed_is_put_out(
    server: VoiceServer, client: VoiceClient, discord: Discord
) -> None:
    await client.join()
    await server.check(GUILD)
    assert server.session(GUILD) is not None
    discord.given = None
    await server.check(GUILD)
    assert await client.closed() == 4014


async def test_a_new_token_puts_the_old_connection_out_and_leaves_it_nothing_to_resume(
    server: VoiceServer, client: VoiceClient, discord: Discord
) -> None:
    await client.join()
    server.cut(GUILD)
    await client.closed()
    discord.given = replace(GIVEN, token="new")
    await client.resume()
    assert await client.closed() == 4006
    discord.given = GIVEN
    await client.join()
    discord.given = replace(GIVEN, token="new")
    await server.check(GUILD)
    assert await client.closed() == 4014


async def test_a_silent_death_is_no_time_out(discord: Discord) -> None:
    async with (
        VoiceServer(discord.credentials, BOT, heartbeat_s=0.3) as server,
        VoiceClient.to(server, GUILD, GIVEN, BOT) as client,
    ):
        await client.join()
        server.freeze(GUILD)
        with pytest.raises(TimeoutError):
            await client.ws.receive(timeout=1)
        assert server.closes == []


async def test_a_silent_death_answers_and_hears_nothing(server: VoiceServer, client: VoiceClient) -> None:
    await client.join()
    server.freeze(GUILD)
    client.speak()
    await client.send(3, {"t": 1, "seq_ack": 2})
    with pytest.raises(TimeoutError):
        await client.ws.receive(timeout=0.1)
    assert server.sound(GUILD).packets == 0
    server.silent = True
    await client.connect()
    with pytest.raises(TimeoutError):
        await client.ws.receive(timeout=0.1)


async def test_only_its_own_authority_is_trusted(server: VoiceServer) -> None:
    async with aiohttp.ClientSession() as stranger:
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await stranger.ws_connect(f"wss://{server.endpoint}/?v=8", ssl=ssl.create_default_context())
