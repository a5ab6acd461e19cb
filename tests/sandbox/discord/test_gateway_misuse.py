"""What a client of the gateway gets wrong, and what Discord makes of it."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest

from sandbox.discord import DiscordStandIn, Intent
from tests.sandbox.discord.bots import Place
from tests.sandbox.discord.sockets import connected

IDENTIFY: dict[str, Any] = {"token": "sandbox-token", "intents": 1, "properties": {}}
VOICE = int(Intent.GUILDS | Intent.GUILD_VOICE_STATES)
WITHOUT_PROPERTIES = {"token": "sandbox-token", "intents": 1}


def of_bytes(size: int, letter: str) -> str:
    """A heartbeat that is so many bytes long."""
    frame = json.dumps({"op": 1, "d": None, "x": ""})
    return frame[:-2] + letter * ((size - len(frame)) // len(letter.encode())) + frame[-2:]


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([{"op": 99, "d": None}], 4001),
        ([{"op": 11, "d": None}], 4001),
        (["not json"], 4002),
        ([{"d": None}], 4002),
        (["[]"], 4002),
        (["[" * 4_000], 4002),
        ([of_bytes(4_125, "x")], 4002),
        ([{"op": 4, "d": {}}], 4003),
        ([{"op": 2, "d": IDENTIFY | {"token": "wrong"}}], 4004),
        ([{"op": 6, "d": {"token": "wrong", "session_id": "x", "seq": 1}}], 4004),
        ([{"op": 2, "d": IDENTIFY}, {"op": 2, "d": IDENTIFY}], 4005),
        ([{"op": 2, "d": IDENTIFY | {"shard": [2, 2]}}], 4010),
        ([{"op": 2, "d": IDENTIFY | {"shard": "all"}}], 4010),
        ([{"op": 2, "d": IDENTIFY | {"intents": 1 << 40}}], 4013),
        ([{"op": 2, "d": IDENTIFY | {"intents": int(Intent.MESSAGE_CONTENT)}}], 4014),
        ([{"op": 2, "d": IDENTIFY}, {"op": 4, "d": {"guild_id": "x"}}], 4002),
        ([of_bytes(4097, "x")], 4002),
        ([of_bytes(4098, "あ")], 4002),
        ([of_bytes(100_000, "x")], 4002),
        ([{"op": 1, "d": "six"}], 4002),
        ([{"op": True, "d": None}], 4001),
        ([{"op": [], "d": None}], 4001),
        ([{"op": 2, "d": None}], 4002),
        ([{"op": 2, "d": WITHOUT_PROPERTIES}], 4002),
        ([{"op": 2, "d": IDENTIFY | {"intents": True}}], 4013),
        ([{"op": 2, "d": IDENTIFY | {"intents": -1}}], 4013),
        ([{"op": 2, "d": IDENTIFY | {"shard": [False, True]}}], 4010),
        ([{"op": 2, "d": IDENTIFY | {"shard": [-1, 2]}}], 4010),
        ([{"op": 3, "d": {}}], 4003),
        ([{"op": 8, "d": {}}], 4003),
        ([{"op": 2, "d": IDENTIFY}, {"op": 4, "d": None}], 4002),
        ([{"op": 2, "d": IDENTIFY}, {"op": 8, "d": {"guild_id": "x"}}], 4002),
        ([{"op": 2, "d": IDENTIFY}, {"op": 8, "d": {"guild_id": "1", "query": "a", "limit": "few"}}], 4002),
        ([{"op": 2, "d": IDENTIFY}, {"op": 8, "d": {"guild_id": "1", "user_ids": [{}], "limit": 0}}], 4002),
    ],
)
async def test_a_frame_that_breaks_the_protocol_closes_and_is_noted(
    discord: DiscordStandIn, http: aiohttp.ClientSession, frames: list[Any], code: int
) -> None:
    async with connected(discord, http) as socket:
        for frame in frames:
            await socket.ws.send_str(frame if isinstance(frame, str) else json.dumps(frame))
        assert await socket.closed_with() == code
    # A wrong token is the operator's fault, and no broken frame.
    assert [int(why.split()[0]) for why in discord.broken_frames] == [code] * (code != 4004)


@pytest.mark.parametrize("letter", ["x", "あ"])
async def test_4096_bytes_are_let_through(discord: DiscordStandIn, http: aiohttp.ClientSession, letter: str) -> None:
    async with connected(discord, http) as socket:
        await socket.ws.send_str(of_bytes(4096, letter))
        assert (await socket.receive())["op"] == 11


@pytest.mark.parametrize("query", ["?v=10&encoding=etf", "?v=10&encoding=json&compress=lz4"])
async def test_what_is_not_spoken_here_is_refused(
    discord: DiscordStandIn, http: aiohttp.ClientSession, query: str
) -> None:
    async with connected(discord, http, query) as socket:
        assert await socket.closed_with() == 4002
    assert len(discord.broken_frames) == 1


async def test_who_has_a_session_may_neither_identify_nor_resume_again(
    place: Place, http: aiohttp.ClientSession
) -> None:
    async with connected(place.discord, http) as socket:
        await socket.identify()
        (ready, *_) = await socket.until("READY", "GUILD_CREATE")
        await socket.resume(ready["d"]["session_id"], 2)
        assert await socket.closed_with() == 4005


@pytest.mark.parametrize("seq", [None, "2", True, -1])
async def test_a_resume_without_a_number_starts_anew(place: Place, http: aiohttp.ClientSession, seq: Any) -> None:
    async with connected(place.discord, http) as socket:
        await socket.identify()
        (ready, *_) = await socket.until("READY", "GUILD_CREATE")
        await place.discord.reset()
    async with connected(place.discord, http) as socket:
        await socket.resume(ready["d"]["session_id"], seq)
        frame = await socket.receive()
        assert (frame["op"], frame["d"]) == (9, False)
        # The connection is as new.
        await socket.identify()
        await socket.until("READY", "GUILD_CREATE")


async def test_a_session_that_was_invalidated_can_do_nothing_more(place: Place, http: aiohttp.ClientSession) -> None:
    for again, answer in (("identify", None), ("op 4", 4003)):
        async with connected(place.discord, http) as socket:
            await socket.identify()
            await socket.until("READY", "GUILD_CREATE")
            await place.discord.invalidate_sessions()
            assert (await socket.receive())["op"] == 9
            place.guild.add_text_channel("unheard")
            if again == "identify":
                await socket.identify()
                (ready, *_) = await socket.until("READY", "GUILD_CREATE")
                assert ready["s"] == 1
            else:
                await socket.send(4, {"guild_id": str(place.guild.id), "channel_id": str(place.music.id)})
                assert await socket.closed_with() == answer


async def test_a_shard_has_no_say_in_another_shard_s_servers(
    discord: DiscordStandIn, http: aiohttp.ClientSession
) -> None:
    guilds = {guild.id >> 22 & 1: guild for guild in (discord.add_guild("one"), discord.add_guild("two"))}
    channels = {shard: guild.add_voice_channel("music") for shard, guild in guilds.items()}
    async with connected(discord, http) as socket:
        await socket.identify(shard=[0, 2], intents=VOICE)
        await socket.until("READY", "GUILD_CREATE")
        for shard in (1, 0):
            await socket.send(8, {"guild_id": str(guilds[shard].id), "user_ids": [str(discord.bot.id)], "limit": 0})
            await socket.send(4, {"guild_id": str(guilds[shard].id), "channel_id": str(channels[shard].id)})
        members, _, server = await socket.until("GUILD_MEMBERS_CHUNK", "VOICE_STATE_UPDATE", "VOICE_SERVER_UPDATE")
        assert members["d"]["guild_id"] == server["d"]["guild_id"] == str(guilds[0].id)
        assert guilds[1].me.voice_channel is None


async def test_there_is_no_voice_but_in_a_voice_channel_of_the_server(
    place: Place, http: aiohttp.ClientSession
) -> None:
    elsewhere = place.discord.add_guild("elsewhere").add_voice_channel("music")
    async with connected(place.discord, http) as socket:
        await socket.identify(intents=VOICE)
        await socket.until("READY", "GUILD_CREATE", "GUILD_CREATE")
        for channel_id in (elsewhere.id, place.general.id, 1):
            await socket.send(4, {"guild_id": str(place.guild.id), "channel_id": str(channel_id)})
        await socket.send(1, None)
        assert (await socket.receive())["op"] == 11
        assert place.guild.me.voice_channel is None


async def test_a_change_of_mute_keeps_the_voice_server_and_leaving_the_server_ends_it(
    place: Place, http: aiohttp.ClientSession
) -> None:
    wish = {"guild_id": str(place.guild.id), "channel_id": str(place.music.id)}
    async with connected(place.discord, http) as socket:
        await socket.identify(intents=VOICE)
        await socket.until("READY", "GUILD_CREATE")
        await socket.send(4, wish)
        await socket.until("VOICE_STATE_UPDATE", "VOICE_SERVER_UPDATE")
        await socket.send(4, wish | {"self_mute": True})
        await socket.send(1, None)
        state, beat = [await socket.receive() for _ in range(2)]
        assert (state["t"], state["d"]["self_mute"], beat["op"]) == ("VOICE_STATE_UPDATE", True, 11)
        place.guild.remove_bot()
        place.guild.invite_bot()
        _, created = await socket.until("GUILD_DELETE", "GUILD_CREATE")
        assert created["d"]["voice_states"] == []


async def test_a_server_that_is_away_answers_nothing(place: Place, http: aiohttp.ClientSession) -> None:
    async with connected(place.discord, http) as socket:
        await socket.identify(intents=VOICE)
        await socket.until("READY", "GUILD_CREATE")
        place.guild.outage()
        await socket.send(4, {"guild_id": str(place.guild.id), "channel_id": str(place.music.id)})
        await socket.send(1, None)
        frames = [await socket.receive() for _ in range(2)]
        assert [frame["t"] or frame["op"] for frame in frames] == ["GUILD_DELETE", 11]
        assert place.guild.me.voice_channel is None
