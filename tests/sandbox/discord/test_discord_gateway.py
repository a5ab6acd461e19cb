"""Sessions: login, shards, intents, resuming, compression, close codes."""

import asyncio
from typing import Any

import aiohttp
import discord as dpy
import pytest

from sandbox.discord import DiscordStandIn
from tests.sandbox.discord.bots import INTENTS, Place, running


async def test_a_bot_gets_its_servers_as_they_are(place: Place) -> None:
    await place.alice.join(place.music)
    async with running(place.discord) as bot:
        guild = bot.get_guild(place.guild.id)
        assert guild is not None
        assert (guild.name, guild.preferred_locale) == ("Sandbox", dpy.Locale.american_english)
        assert [channel.name for channel in guild.channels] == ["general", "music"]
        assert set(guild.voice_channels[0].voice_states) == {place.alice.id}
        assert guild.me.guild_permissions.connect
        # Without the presence intent only the bot and those in voice come with the server.
        assert {member.name for member in guild.members} == {"sandbox-bot", "alice"}


async def test_a_server_s_events_go_to_its_shard(discord: DiscordStandIn) -> None:
    guilds = [discord.add_guild(f"guild {number}") for number in range(4)]
    async with running(discord, shard_count=2) as bot:
        assert {bot.get_guild(guild.id).shard_id for guild in guilds} == {0, 1}  # type: ignore[union-attr]
        assert len(bot.guilds) == 4
        assert all(bot.get_guild(g.id).shard_id == (g.id >> 22) % 2 for g in guilds)  # type: ignore[union-attr]


async def test_a_wrong_token_is_refused(discord: DiscordStandIn) -> None:
    client = dpy.Client(intents=INTENTS)
    async with client:
        with pytest.raises(dpy.LoginFailure):
            await client.login("wrong")


async def test_events_without_their_intent_are_not_sent(place: Place) -> None:
    async with running(place.discord, intents=dpy.Intents(guilds=True)) as bot:
        await place.alice.join(place.music)
        await place.alice.say(place.general, "@bot hello")
        await place.alice.dm("hello")
        place.guild.add_text_channel("last")
        await bot.wait_for("guild_channel_create", timeout=5)
        assert {"VOICE_STATE_UPDATE", "MESSAGE_CREATE"}.isdisjoint(bot.events)


async def test_a_privileged_intent_must_be_granted(discord: DiscordStandIn) -> None:
    bot = dpy.Client(intents=dpy.Intents(guilds=True, message_content=True))
    async with bot:
        with pytest.raises(dpy.PrivilegedIntentsRequired):
            await asyncio.wait_for(bot.start(discord.token), 10)


async def test_a_broken_connection_resumes_with_what_it_missed(place: Place) -> None:
    async with running(place.discord) as bot:
        resumed = asyncio.create_task(bot.wait_for("resumed", timeout=10))
        await place.discord.reset()
        for text in ("@bot one", "@bot two"):
            await place.alice.say(place.general, text)
        await resumed
        assert [message.clean_content for message in bot.heard] == ["@sandbox-bot one", "@sandbox-bot two"]
        assert bot.events.count("READY") == 1


async def test_op_7_makes_the_bot_resume(place: Place) -> None:
    async with running(place.discord) as bot:
        resumed = asyncio.create_task(bot.wait_for("resumed", timeout=10))
        await place.discord.ask_to_reconnect()
        await resumed


async def test_op_1_makes_the_bot_send_a_heartbeat_at_once(place: Place) -> None:
    async with running(place.discord):
        (session,) = place.discord.world.sessions.all()
        assert session.can_resume_from(0)
        await place.discord.ask_for_heartbeats()
        # It names what has arrived; that is kept no longer.
        await place.discord.wait_until(lambda: not session.can_resume_from(0), what="a heartbeat")


async def test_a_session_that_is_over_makes_the_bot_identify_again(place: Place) -> None:
    async with running(place.discord) as bot:
        again = asyncio.create_task(bot.wait_for("shard_connect", timeout=10))
        await place.discord.invalidate_sessions()
        await again
        assert "RESUMED" not in bot.events


async def test_down_refuses_connections_and_up_listens_on_the_same_port(place: Place) -> None:
    discord = place.discord
    async with running(discord) as bot:
        before = discord.api_url
        resumed = asyncio.create_task(bot.wait_for("resumed", timeout=10))
        await discord.down()
        async with aiohttp.ClientSession() as http:
            with pytest.raises(aiohttp.ClientConnectorError):
                await http.get(f"{before}/gateway")
        await place.alice.say(place.general, "@bot while away")
        await discord.up()
        await resumed
        assert discord.api_url == before
        assert len(bot.heard) == 1


async def test_a_bot_that_says_goodbye_leaves_voice(place: Place) -> None:
    async with running(place.discord) as bot:
        guild: Any = bot.get_guild(place.guild.id)
        await guild.change_voice_state(channel=guild.voice_channels[0])
        await place.discord.wait_until(lambda: place.discord.voice_credentials(place.guild.id))
    await place.discord.bot_gone()
    assert place.discord.voice_credentials(place.guild.id) is None
    assert place.guild.me.voice_channel is None


async def test_a_session_that_is_not_resumed_ends_and_leaves_voice() -> None:
    async with DiscordStandIn(session_lifetime=0.3) as discord, aiohttp.ClientSession() as http:
        guild = discord.add_guild("Sandbox")
        music = guild.add_voice_channel("music")
        async with http.ws_connect(discord.gateway_url) as ws:
            await ws.send_json(identify())
            await ws.send_json({"op": 4, "d": {"guild_id": str(guild.id), "channel_id": str(music.id)}})
            await discord.wait_until(lambda: guild.me.voice_channel is music)
            ready = await ready_of(ws)
            await discord.reset()
        await discord.bot_gone()
        assert guild.me.voice_channel is music
        await discord.wait_until(lambda: guild.me.voice_channel is None)
        async with http.ws_connect(discord.gateway_url) as ws:
            resume = {"token": discord.token, "session_id": ready["session_id"], "seq": 1}
            await ws.send_json({"op": 6, "d": resume})
            assert (await ws.receive_json())["op"] == 10
            assert await ws.receive_json() == {"op": 9, "d": False, "s": None, "t": None}


async def ready_of(ws: aiohttp.ClientWebSocketResponse) -> Any:
    frame: Any = {}
    while frame.get("t") != "READY":
        frame = await ws.receive_json()
    return frame["d"]


async def test_what_a_heartbeat_has_acknowledged_cannot_be_resumed_from_before(place: Place) -> None:
    discord = place.discord
    async with aiohttp.ClientSession() as http:
        async with http.ws_connect(discord.gateway_url) as ws:
            await ws.send_json(identify())
            ready = await ready_of(ws)
            assert (await ws.receive_json())["t"] == "GUILD_CREATE"
            await ws.send_json({"op": 1, "d": 2})
            assert (await ws.receive_json())["op"] == 11
            await discord.reset()
        place.guild.add_text_channel("missed")
        for seq, answer in ((1, [None]), (2, ["CHANNEL_CREATE", "RESUMED"])):
            async with http.ws_connect(discord.gateway_url) as ws:
                await ws.receive_json()
                resume = {"token": discord.token, "session_id": ready["session_id"], "seq": seq}
                await ws.send_json({"op": 6, "d": resume})
                assert [(await ws.receive_json())["t"] for _ in answer] == answer


async def test_slow_delays_answers_until_up(discord: DiscordStandIn) -> None:
    discord.slow(5)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(0.1)) as http:
        with pytest.raises(TimeoutError):
            await http.get(f"{discord.api_url}/gateway")
        await discord.up()
        assert (await http.get(f"{discord.api_url}/gateway")).status == 200


def identify(token: str = "sandbox-token", **changes: Any) -> dict[str, Any]:
    return {"op": 2, "d": {"token": token, "intents": 1, "properties": {}} | changes}


async def test_a_thousand_servers_are_delivered(discord: DiscordStandIn) -> None:
    for number in range(1000):
        discord.add_guild(f"guild {number}").add_voice_channel("music")
    async with running(discord, shard_count=1) as bot:
        assert len(bot.guilds) == 1000
        # On a busy machine discord.py calls itself ready before the last of them has come.
        while any(guild.unavailable for guild in bot.guilds):
            await bot.wait_for("guild_available", timeout=20)


async def test_a_connection_that_falls_silent_is_given_up(discord: DiscordStandIn) -> None:
    discord.want_heartbeats(1.0)
    loop = asyncio.get_running_loop()
    async with aiohttp.ClientSession() as http, http.ws_connect(discord.gateway_url) as socket:
        hello = await socket.receive_json()
        assert hello["d"]["heartbeat_interval"] == 1000
        await asyncio.sleep(0.5)
        await socket.send_json({"op": 1, "d": None})
        begun = loop.time()
        assert (await socket.receive_json())["op"] == 11
        closing = await socket.receive(10)
        assert (closing.type, closing.data) == (aiohttp.WSMsgType.CLOSE, 4009)
        assert 1.4 < loop.time() - begun < 4
