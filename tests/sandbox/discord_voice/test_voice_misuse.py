"""What a voice client gets wrong, and what Discord makes of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sandbox.discord import VoiceCredentials
from sandbox.discord_voice import VoiceServer
from tests.sandbox.discord_voice.client import AES_MODE, VoiceClient
from tests.sandbox.discord_voice.conftest import BOT, GIVEN, GUILD, Discord

UDP: dict[str, Any] = {"address": "127.0.0.1", "port": 1, "mode": AES_MODE}


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        (["[" * 100_000], 4002),
        (["[]"], 4002),
        (['{"op": 3}'], 4002),
        (['{"op": true, "d": null}'], 4001),
        (['{"op": [], "d": null}'], 4001),
        (['{"op": 9, "d": null}'], 4003),
        (['{"op": 3, "d": {"t": 1, "seq_ack": 1e999}}'], 4002),
        (['{"op": 3, "d": {"t": 1, "seq_ack": "1"}}'], 4002),
        ([("identify", {}), '{"op": 9, "d": null}'], 4001),
        ([("identify", {"server_id": None})], 4002),
        ([("identify", {}), (3, {"t": 1})], 4002),
        ([("identify", {}), (7, {})], 4005),
        ([("identify", {}), (1, {"protocol": "udp", "data": UDP | {"port": "1"}})], 4002),
        ([("identify", {}), (5, {"speaking": 1, "delay": 0})], 4002),
        ([("identify", {}), (5, {"speaking": "loud", "delay": 0, "ssrc": 1001})], 4002),
        ([(7, {"server_id": str(GUILD), "session_id": "session"})], 4002),
    ],
)
async def test_a_broken_message_closes_and_is_noted(
    server: VoiceServer, client: VoiceClient, frames: list[Any], code: int
) -> None:
    await client.connect()
    for frame in frames:
        if isinstance(frame, str):
            await client.ws.send_str(frame)
        elif frame[0] == "identify":
            await client.send(0, client.identity(**frame[1]))
        else:
            await client.send(*frame)
    assert await client.closed() == code
    assert server.closes == [code]


async def test_a_heartbeat_before_any_number_need_not_name_one(client: VoiceClient) -> None:
    await client.connect()
    await client.get(8)
    await client.send(3, {"t": 5})
    assert await client.get(6) == {"t": 5}


async def test_sound_before_it_is_announced_is_not_heard(server: VoiceServer, client: VoiceClient) -> None:
    await client.join(speaking=False)
    client.speak()
    await server.until(lambda: server.sound(GUILD).unheard == 1)
    # Another's source announces nothing.
    await client.send(5, {"speaking": 1, "delay": 0, "ssrc": client.ready["ssrc"] + 1})
    await client.send(3, {"t": 1, "seq_ack": client.seq})
    await client.get(6)
    client.speak()
    await server.until(lambda: server.sound(GUILD).unheard == 2)
    await client.send(5, {"speaking": 1, "delay": 0, "ssrc": client.ready["ssrc"]})
    session = server.session(GUILD)
    assert session is not None
    await server.until(lambda: session.speaking == 1)
    client.speak()
    await server.until(lambda: server.sound(GUILD).packets == 1)


async def test_what_is_no_sound_is_not_counted_as_sound(server: VoiceServer, client: VoiceClient) -> None:
    await client.join()
    ssrc = client.ready["ssrc"].to_bytes(4, "big")
    client.send_raw(b"\0" * 8)  # a keep-alive
    client.send_raw(b"\x81\xc9\x00\x07" + ssrc + ssrc + bytes(20))  # RTCP: a receiver's report
    client.send_raw(b"\x80\x78" + bytes(6) + b"\xff\xff\xff\xff" + bytes(24))  # nobody's
    client.send_raw(b"\x90\x78" + bytes(6) + ssrc)  # RTP that ends before its extension
    client.send_raw(b"\x40\x78" + bytes(6) + ssrc + bytes(24))  # another version of RTP
    client.speak()
    await server.until(lambda: server.sound(GUILD).packets == 1)
    sound = server.sound(GUILD)
    assert (sound.broken, sound.unheard, sound.lost) == (2, 0, 0)


async def test_a_packet_that_comes_late_or_twice_is_no_gap(server: VoiceServer, client: VoiceClient) -> None:
    await client.join()
    first, second, third = (client.packet() for _ in range(3))
    for packet in (first, third, second, third):
        client.send_raw(packet)
    await server.until(lambda: server.sound(GUILD).packets == 4)
    assert server.sound(GUILD).lost == 1


async def test_numbers_start_again_after_the_last_one(server: VoiceServer, client: VoiceClient) -> None:
    await client.join()
    client.speak(skip=0xFFFD)
    for _ in range(4):
        client.speak()
    client.speak(skip=2)
    await server.until(lambda: server.sound(GUILD).packets == 6)
    assert server.sound(GUILD).lost == 2


async def test_a_packet_may_have_an_extension_which_is_no_sound(server: VoiceServer, client: VoiceClient) -> None:
    await client.join()
    client.send_raw(client.packet(b"\xf8\xff\xfe", extension=b"\x10\xff\x00\x00"))
    await server.until(lambda: server.sound(GUILD).packets == 1)
    assert (server.sound(GUILD).silence, server.sound(GUILD).broken) == (1, 0)


async def test_the_sound_of_two_servers_is_told_apart() -> None:
    given = VoiceCredentials("token", "localhost:1", "session", "555")
    async with (
        VoiceServer(lambda _: given, BOT) as server,
        VoiceClient.to(server, 1, given, BOT) as one,
        VoiceClient.to(server, 2, given, BOT) as two,
    ):
        await one.join()
        await two.join()
        one.speak()
        two.speak()
        two.speak()
        await server.until(lambda: [server.sound(guild).packets for guild in (1, 2)] == [1, 2])


async def test_only_heartbeats_keep_a_connection(discord: Discord) -> None:
    async with (
        VoiceServer(discord.credentials, BOT, heartbeat_s=0.3) as server,
        VoiceClient.to(server, GUILD, GIVEN, BOT) as client,
    ):
        await client.join()

        async def chatter() -> None:
            while True:
                await client.send(5, {"speaking": 1, "delay": 0, "ssrc": client.ready["ssrc"]})
                await asyncio.sleep(0.02)

        chattering = asyncio.create_task(chatter())
        assert await client.closed() == 4009
        chattering.cancel()


@pytest.mark.parametrize(
    ("acknowledged", "shown", "answer"),
    [([2], 0, 4006), ([2], 99, 4006), ([2, 1], 1, 4006), ([99], 2, 9), ([1], 1, 9), ([], 0, 9)],
)
async def test_a_resume_goes_from_what_is_still_kept(
    server: VoiceServer, client: VoiceClient, acknowledged: list[int], shown: int, answer: int
) -> None:
    await client.join()
    for seq in acknowledged:
        await client.send(3, {"t": 1, "seq_ack": seq})
        await client.get(6)
    server.cut(GUILD)
    await client.closed()
    client.seq = shown
    await client.resume()
    if answer == 9:
        await client.get(9)
    else:
        assert await client.closed() == answer


async def test_a_client_that_closes_to_come_back_may_come_back(server: VoiceServer, client: VoiceClient) -> None:
    await client.join()
    await client.ws.close(code=4015)
    session = server.session(GUILD)
    assert session is not None
    await server.until(lambda: not session.connected)
    await client.resume()
    await client.get(9)


@pytest.mark.parametrize("shown", [{"token": "other"}, {"session_id": "other"}, {"server_id": "501"}])
async def test_a_resume_must_show_what_identified(
    server: VoiceServer, client: VoiceClient, shown: dict[str, Any]
) -> None:
    await client.join()
    server.cut(GUILD)
    await client.closed()
    await client.connect()
    await client.get(8)
    await client.send(7, client.identity(seq_ack=client.seq, **shown))
    assert await client.closed() == 4006


async def test_a_message_that_was_acknowledged_is_not_sent_again(server: VoiceServer, client: VoiceClient) -> None:
    await client.join()
    server.cut(GUILD)
    await client.closed()
    await client.resume()
    await client.get(9)
    await client.send(3, {"t": 1, "seq_ack": client.seq})
    await client.get(6)


async def test_ip_discovery_answers_a_request_of_a_known_source_only(server: VoiceServer, client: VoiceClient) -> None:
    await client.join()
    ssrc = client.ready["ssrc"].to_bytes(4, "big")
    for request in (
        b"\0\1\0\x46" + b"\xff\xff\xff\xff" + bytes(66),
        b"\0\1\0\x45" + ssrc + bytes(66),
        b"\0\2\0\x46" + ssrc + bytes(66),
    ):
        client.send_raw(request)
    # The first answer is that to the request which is in order.
    address, port = await client.discover()
    assert (address, port) == client.address == ("127.0.0.1", client.own_port)
