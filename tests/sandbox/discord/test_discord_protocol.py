"""The gateway's protocol frame by frame: opcodes, close codes, limits, and what a session is told again."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from sandbox.discord import DiscordStandIn, Intent
from sandbox.discord.intents import without_content
from tests.sandbox.discord.bots import Place
from tests.sandbox.discord.sockets import connected


async def test_another_version_is_4012(discord: DiscordStandIn, http: aiohttp.ClientSession) -> None:
    async with connected(discord, http, "?v=5&encoding=json") as socket:
        assert await socket.closed_with() == 4012


async def test_too_many_servers_for_one_shard_is_4011(
    discord: DiscordStandIn, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.discord.identify.GUILDS_OF_A_SHARD", 2)
    for number in range(3):
        discord.add_guild(f"guild {number}")
    async with connected(discord, http) as socket:
        await socket.identify()
        assert await socket.closed_with() == 4011
    async with connected(discord, http) as socket:
        await socket.identify(shard=[0, 2])
        await socket.until("READY")


async def test_more_than_120_frames_a_minute_is_4008(http: aiohttp.ClientSession) -> None:
    async with DiscordStandIn(limits=True) as discord, connected(discord, http) as socket:
        await socket.identify()
        for _ in range(118):
            await socket.send(3, {"status": "idle", "since": None, "activities": [], "afk": False})
        await socket.send(1, None)
        assert [(await socket.receive())["op"] for _ in range(2)] == [0, 11]
        await socket.send(1, None)
        assert await socket.closed_with() == 4008


async def test_without_limits_a_client_may_send_as_much_as_it_likes(
    discord: DiscordStandIn, http: aiohttp.ClientSession
) -> None:
    async with connected(discord, http) as socket:
        await socket.identify()
        for _ in range(200):
            await socket.send(3, {"status": "idle", "since": None, "activities": [], "afk": False})
        await socket.send(1, None)
        assert [(await socket.receive())["op"] for _ in range(2)] == [0, 11]


@pytest.mark.parametrize(("code", "answer"), [(4000, "RESUMED"), (4008, "RESUMED"), (4007, None), (4009, None)])
async def test_discord_may_close_at_any_time_and_two_codes_end_the_session(
    place: Place, http: aiohttp.ClientSession, code: int, answer: str | None
) -> None:
    async with connected(place.discord, http) as socket:
        await socket.identify()
        (ready, *_) = await socket.until("READY", "GUILD_CREATE")
        await place.discord.close_gateway(code)
        assert await socket.closed_with() == code
    async with connected(place.discord, http) as socket:
        await socket.resume(ready["d"]["session_id"], 2)
        frame = await socket.receive()
        assert (frame["t"], frame["op"]) == (answer, 0 if answer else 9)


async def test_a_resume_tells_again_what_was_missed_and_nothing_else(place: Place, http: aiohttp.ClientSession) -> None:
    async with connected(place.discord, http, "?compress=zlib-stream") as socket:
        await socket.identify()
        (ready, *_) = await socket.until("READY", "GUILD_CREATE")
        place.guild.add_text_channel("seen")
        (seen,) = await socket.until("CHANNEL_CREATE")
        await place.discord.reset()
    for name in ("one", "two"):
        place.guild.add_text_channel(name)
    async with connected(place.discord, http, "?compress=zlib-stream") as socket:
        await socket.resume(ready["d"]["session_id"], seen["s"])
        frames = await socket.until("RESUMED")
    assert [(frame["t"], frame["d"].get("name")) for frame in frames] == [
        ("CHANNEL_CREATE", "one"),
        ("CHANNEL_CREATE", "two"),
        ("RESUMED", None),
    ]
    assert [frame["s"] for frame in frames] == [seen["s"] + 1, seen["s"] + 2, seen["s"] + 3]


async def test_a_resume_from_the_future_is_4007(place: Place, http: aiohttp.ClientSession) -> None:
    async with connected(place.discord, http) as socket:
        await socket.identify()
        (ready, created) = await socket.until("READY", "GUILD_CREATE")
        await place.discord.reset()
    async with connected(place.discord, http) as socket:
        await socket.resume(ready["d"]["session_id"], created["s"] + 1)
        assert await socket.closed_with() == 4007
    # And that was the session's end.
    async with connected(place.discord, http) as socket:
        await socket.resume(ready["d"]["session_id"], created["s"])
        assert (await socket.receive())["op"] == 9


@pytest.mark.parametrize("resumable", [True, False])
async def test_op_9_says_whether_the_session_may_be_resumed(
    place: Place, http: aiohttp.ClientSession, resumable: bool
) -> None:
    async with connected(place.discord, http) as socket:
        await socket.identify()
        (ready, *_) = await socket.until("READY", "GUILD_CREATE")
        await place.discord.invalidate_sessions(resumable=resumable)
        frame = await socket.receive()
        assert (frame["op"], frame["d"]) == (9, resumable)
        await place.discord.reset()
    async with connected(place.discord, http) as socket:
        await socket.resume(ready["d"]["session_id"], 2)
        frame = await socket.receive()
        assert (frame["t"], frame["op"]) == (("RESUMED", 0) if resumable else (None, 9))


async def test_op_1_asks_for_a_heartbeat_and_op_7_for_a_new_connection(
    discord: DiscordStandIn, http: aiohttp.ClientSession
) -> None:
    async with connected(discord, http) as socket:
        await discord.ask_for_heartbeats()
        await discord.ask_to_reconnect()
        assert [(await socket.receive())["op"] for _ in range(2)] == [1, 7]


async def test_a_server_that_is_away_differs_from_one_that_was_left(place: Place, http: aiohttp.ClientSession) -> None:
    async with connected(place.discord, http) as socket:
        await socket.identify()
        await socket.until("READY", "GUILD_CREATE")
        place.guild.outage()
        (away,) = await socket.until("GUILD_DELETE")
        assert away["d"] == {"id": str(place.guild.id), "unavailable": True}
        place.guild.add_text_channel("unseen")
        place.guild.recover()
        (back,) = await socket.until("GUILD_CREATE")
        assert [channel["name"] for channel in back["d"]["channels"]] == ["general", "music", "unseen"]
        place.guild.remove_bot()
        (left,) = await socket.until("GUILD_DELETE")
        assert left["d"] == {"id": str(place.guild.id)}
        place.guild.invite_bot()
        (joined,) = await socket.until("GUILD_CREATE")
        assert "unavailable" not in joined["d"]


async def test_of_several_privileged_intents_each_must_be_granted(http: aiohttp.ClientSession) -> None:
    granted = Intent.MESSAGE_CONTENT
    async with DiscordStandIn(privileged_intents=granted) as discord, connected(discord, http) as socket:
        await socket.identify(intents=int(granted | Intent.GUILD_MEMBERS))
        assert await socket.closed_with() == 4014


EMPTIED = {"content": "", "embeds": [], "attachments": [], "components": []}


async def test_a_message_is_emptied_as_the_intents_say(http: aiohttp.ClientSession) -> None:
    async with DiscordStandIn(privileged_intents=Intent.MESSAGE_CONTENT) as discord:
        guild = discord.add_guild("Sandbox")
        general, alice = guild.add_text_channel("general"), guild.add_member("alice")
        intents = Intent.GUILDS | Intent.GUILD_MESSAGES | Intent.DIRECT_MESSAGES
        seen: dict[bool, list[Any]] = {}
        for privileged in (False, True):
            async with connected(discord, http) as socket:
                await socket.identify(intents=int(intents | (Intent.MESSAGE_CONTENT if privileged else 0)))
                await socket.until("READY", "GUILD_CREATE")
                secret = await alice.say(general, "secret", files={"a.txt": b"x"})
                await alice.say(general, "@bot whole", reply_to=secret)
                await alice.dm("direct")
                await alice.revise(secret, "changed")
                seen[privileged] = [(await socket.receive())["d"] for _ in range(4)]
    hidden, whole, direct, changed = seen[False]
    assert {name: hidden[name] for name in EMPTIED} == {name: changed[name] for name in EMPTIED} == EMPTIED
    assert (whole["content"], direct["content"]) == (f"{discord.bot.mention} whole", "direct")
    assert {name: whole["referenced_message"][name] for name in EMPTIED} == EMPTIED
    hidden, whole, direct, changed = seen[True]
    assert (hidden["content"], hidden["attachments"][0]["filename"]) == ("secret", "a.txt")
    assert changed["content"] == "changed"
    assert whole["referenced_message"]["content"] == "secret"


def test_what_other_bots_send_is_emptied_too() -> None:
    full = {"content": "hi", "embeds": [{}], "attachments": [{}], "components": [{}], "id": "9", "flags": 0}
    others = full | {"author": {"id": "2"}, "mentions": [{"id": "3"}]}
    assert without_content(others, 1) == others | EMPTIED
    assert without_content(others, 2) == others
    assert without_content(others, 3) == others


async def test_a_session_is_told_on_a_new_connection_only(place: Place, http: aiohttp.ClientSession) -> None:
    """A RESUME takes the session over from a connection that is still there, as a half-open one is."""
    async with connected(place.discord, http) as old:
        await old.identify()
        (ready, *_) = await old.until("READY", "GUILD_CREATE")
        async with connected(place.discord, http) as new:
            await new.resume(ready["d"]["session_id"], 2)
            await new.until("RESUMED")
            assert (await old.ws.receive(5)).type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
            place.guild.add_text_channel("new")
            assert [frame["t"] for frame in await new.until("CHANNEL_CREATE")] == ["CHANNEL_CREATE"]
