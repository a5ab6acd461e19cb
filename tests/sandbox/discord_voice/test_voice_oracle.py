"""The voice server as clients of other authors see it: discord.py's own, and what a real Lavalink 4.2.2 has sent."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import aiohttp
import pytest

from sandbox.discord import DiscordStandIn, VoiceCredentials
from sandbox.discord.voice import state_payload
from sandbox.discord_voice import VoiceServer
from tests.sandbox.discord.bots import Place, running
from tests.sandbox.discord.conftest import discord, place
from tests.sandbox.discord_voice.client import AES_MODE, VoiceClient

__all__ = ["discord", "place"]


async def test_discord_py_plays_resumes_and_is_put_out(
    discord: DiscordStandIn, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    guild = place.guild.id
    async with VoiceServer(discord.voice_credentials, discord.bot.id) as server:
        discord.world.voice_endpoint = server.endpoint
        context = ssl.create_default_context()
        context.load_verify_locations(cadata=server.authority.cert_pem.bytes().decode())
        connector = aiohttp.TCPConnector(ssl=context)
        async with running(discord, connector=connector) as bot:
            channel: Any = bot.get_channel(place.music.id)
            voice = await channel.connect(timeout=5)
            session, given = server.session(guild), place.guild.voice_server
            assert session is not None
            assert given is not None
            await server.until(lambda: session.speaking is not None)
            voice.send_audio_packet(b"opus", encode=False)
            await server.until(lambda: server.sound(guild).packets == 1)
            asked_again = asyncio.create_task(bot.wait_for("voice_state_update", timeout=5))
            await server.close(guild, 4015)
            await asked_again
            # It resumes once Discord has told it the same server and the same state again, in this order.
            again = {"token": given.token, "guild_id": str(guild), "endpoint": given.endpoint}
            place.guild.publish("VOICE_SERVER_UPDATE", again)
            state = state_payload(place.guild.me, place.guild.voice_states[discord.bot.id])
            place.guild.publish("VOICE_STATE_UPDATE", state)
            await server.until(lambda: session.resumes == 1)
            discord.kick_bot_from_voice(place.guild)
            await server.check(guild)
            async with asyncio.timeout(5):
                while voice.is_connected():
                    await asyncio.sleep(0.01)
            assert server.closes == [4015, 4014]


async def test_what_a_real_lavalink_has_sent_is_taken_in_its_order() -> None:
    given = VoiceCredentials("tok", "localhost:1", "vsess", "555")
    shown = {"session_id": "vsess", "video": True, "server_id": "500", "token": "tok"}
    address = {"mode": AES_MODE, "address": "127.0.0.1", "port": 32994}
    opus = {"payload_type": 120, "name": "opus", "priority": 1000, "type": "audio"}
    async with VoiceServer(lambda _: given, 222) as server, VoiceClient.to(server, 500, given, 222) as client:
        await client.connect()
        await client.get(8)
        await client.send(0, shown | {"user_id": "222", "max_dave_protocol_version": 0})
        ssrc = (await client.get(2))["ssrc"]
        await client.send(15, {"any": 0})
        connection = {"rtc_connection_id": "748bb8d2-b2cd-4227-91b8-d9776928872c", "protocol": "udp", "codecs": [opus]}
        await client.send(1, connection | address | {"data": address})
        await client.send(5, {"speaking": 0, "delay": 0, "ssrc": ssrc})
        await client.send(12, {"audio_ssrc": ssrc, "video_ssrc": 0, "rtx_ssrc": 0})
        await client.get(4)
        session = server.session(500)
        assert session is not None
        await server.until(lambda: session.speaking == 0)
        server.cut(500)
        await client.closed()
        await client.connect()
        await client.get(8)
        await client.send(7, shown | {"seq_ack": 2})
        await client.get(9)
        assert server.closes == []
