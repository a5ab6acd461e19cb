"""Every event of the gateway, against Discord's OpenAPI document and the field lists of its documentation."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from sandbox.discord import DiscordStandIn, Intent, Permission
from sandbox.discord.intents import EVENTS
from tests import discord_openapi
from tests.sandbox.discord import gateway_events
from tests.sandbox.discord.bots import Place
from tests.sandbox.discord.sockets import Socket, connected

COMMAND = {
    "name": "do",
    "description": "Does",
    "options": [
        {"type": kind, "name": name, "description": "x"}
        for kind, name in ((6, "who"), (7, "where"), (8, "role"), (11, "file"))
    ],
}
BUTTON = {"type": 1, "components": [{"type": 2, "style": 1, "label": "go", "custom_id": "go"}]}


async def exercise(place: Place, socket: Socket, http: aiohttp.ClientSession) -> None:
    """Let everything happen that the gateway tells of."""
    guild, general, alice = place.guild, place.general, place.alice
    place.discord.world.commands.replace(None, [COMMAND])
    role = guild.add_role("dj", Permission.CONNECT)
    guild.set_role_permissions(role, Permission.SPEAK)
    alice.give_role(role)
    guild.add_member("bob")
    guild.remove_member(guild.add_member("carol"))
    thread = guild.add_thread(general, "talk")
    general.allow(alice, Permission.MANAGE_MESSAGES)
    guild.change_locale("ja")
    await alice.join(place.music)
    await socket.send(4, {"guild_id": str(guild.id), "channel_id": str(place.music.id)})
    await socket.until("VOICE_SERVER_UPDATE")
    await socket.send(8, {"guild_id": str(guild.id), "query": "", "limit": 0})
    await socket.until("GUILD_MEMBERS_CHUNK")
    first = await alice.say(general, "@bot look", files={"a.txt": b"x"})
    await alice.say(thread, "in here")
    thread.archive()
    await alice.revise(await alice.say(general, "@bob hm", reply_to=first), "changed")
    await alice.delete(first)
    await alice.dm("hello")
    given = {"who": "@bob", "where": "#general", "role": "@dj", "file": ("a.txt", b"x")}
    await alice.slash("do", given, channel=general)
    await alice.slash("do", channel=alice.dm_channel)
    url = f"{place.discord.api_url}/channels/{general.id}/messages"
    headers = {"Authorization": f"Bot {socket.token}"}
    await http.post(url, json={"content": "press", "components": [BUTTON]}, headers=headers)
    await alice.click(general.messages[-1], "go")
    general.purge([await alice.say(general, text) for text in ("these", "two")])
    guild.remove_role(role)
    guild.add_text_channel("gone").delete()
    guild.outage()
    guild.recover()
    guild.remove_bot()


@pytest.fixture
async def discord() -> Any:
    granted = Intent.GUILD_MEMBERS | Intent.GUILD_PRESENCES | Intent.MESSAGE_CONTENT
    async with DiscordStandIn(privileged_intents=granted) as stand_in:
        yield stand_in
        discord_openapi.check(stand_in.requests)


async def test_every_event_is_as_discord_documents_it(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, Any]] = []
    receive = Socket.receive

    async def kept(socket: Socket) -> dict[str, Any]:
        frame = await receive(socket)
        if frame["op"] == 0:
            seen.append((frame["t"], frame["d"]))
        return frame

    monkeypatch.setattr(Socket, "receive", kept)
    async with aiohttp.ClientSession() as http:
        async with connected(place.discord, http) as socket:
            await socket.identify(intents=int(sum(Intent)))
            (ready, *_) = await socket.until("READY", "GUILD_CREATE")
            await exercise(place, socket, http)
            *_, last = await socket.until("GUILD_CREATE", "GUILD_DELETE")
            await place.discord.reset()
        async with connected(place.discord, http) as socket:
            await socket.resume(ready["d"]["session_id"], last["s"])
            await socket.until("RESUMED")
    found = dict.fromkeys(fault for event, data in seen for fault in gateway_events.faults(event, data))
    assert not found, "not as Discord documents it:\n" + "\n".join(found)
    # And that is all that the stand-in can send, or lose.
    assert {event for event, _ in seen} == set(gateway_events.EVENTS) == EVENTS
