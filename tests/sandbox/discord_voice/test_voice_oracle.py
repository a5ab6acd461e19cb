"""The voice server as another author's client sees it: discord.py's own, with a bot of the Discord stand-in."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import aiohttp
import pytest

from sandbox.discord import DiscordStandIn
from sandbox.discord.voice import state_payload
from sandbox.discord_voice import VoiceServer
from tests.sandbox.discord.bots import Place, running
from tests.sandbox.discord.conftest import discord, place

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
