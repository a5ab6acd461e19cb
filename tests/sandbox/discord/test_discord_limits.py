"""Rate limits, and what a bot may not do, request by request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import yarl

from sandbox.discord import DiscordStandIn, Permission
from tests import discord_openapi
from tests.sandbox.discord.bots import Place, running

MESSAGE = {"content": "x"}
TEXT = Permission.VIEW_CHANNEL | Permission.SEND_MESSAGES


@pytest.fixture
async def discord(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DiscordStandIn]:
    async with DiscordStandIn(limits=True) as stand_in:
        monkeypatch.setattr("discord.http.Route.BASE", stand_in.api_url)
        yield stand_in
        discord_openapi.check(stand_in.requests, refused=False)


class Client:
    """Requests of a bot that keeps to no limit."""

    def __init__(self, discord: DiscordStandIn, http: aiohttp.ClientSession) -> None:
        self._discord = discord
        self._http = http
        self.token = discord.token

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[aiohttp.ClientResponse, Any]:
        headers = {"Authorization": f"Bot {self.token}"}
        async with self._http.request(method, self._discord.api_url + path, json=body, headers=headers) as answer:
            return answer, await answer.json() if answer.status != 204 else None

    async def statuses(self, count: int, method: str, path: str, body: Any = None) -> list[int]:
        return [(await self.ask(method, path, body))[0].status for _ in range(count)]


@pytest.fixture
async def client(discord: DiscordStandIn) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as http:
        yield Client(discord, http)


async def test_a_token_has_fifty_requests_a_second(client: Client, place: Place) -> None:
    assert await client.statuses(50, "GET", "/users/@me") == [200] * 50
    answer, body = await client.ask("GET", f"/guilds/{place.guild.id}")
    assert answer.status == 429
    assert body == {"message": "You are being rate limited.", "retry_after": body["retry_after"], "global": True}
    assert 0 < body["retry_after"] <= 1
    named = {name: answer.headers[name] for name in ("X-RateLimit-Global", "X-RateLimit-Scope", "Retry-After", "Via")}
    assert named == {
        "X-RateLimit-Global": "true",
        "X-RateLimit-Scope": "global",
        "Retry-After": "1",
        "Via": "1.1 google",
    }
    assert "X-RateLimit-Bucket" not in answer.headers
    await asyncio.sleep(body["retry_after"])
    assert await client.statuses(1, "GET", "/users/@me") == [200]


async def test_answers_to_interactions_do_not_count_for_the_token(client: Client, place: Place) -> None:
    place.discord.world.commands.replace(None, [{"name": "ping", "description": "Answers"}])
    uses = [await place.alice.slash("ping", channel=place.general) for _ in range(2)]
    await client.statuses(50, "GET", "/users/@me")
    callback = {"type": 4, "data": MESSAGE}
    for use in uses:
        assert await client.statuses(1, "POST", f"/interactions/{use.id}/{use.token}/callback", callback) == [204]
    original = f"/webhooks/{place.discord.bot.id}/{uses[0].token}/messages/@original"
    assert await client.statuses(6, "PATCH", original, MESSAGE) == [200] * 5 + [429], "five in 2 s per webhook"
    other = f"/webhooks/{place.discord.bot.id}/{uses[1].token}"
    assert await client.statuses(1, "POST", other, MESSAGE) == [200], "each interaction has a limit of its own"


async def test_a_channel_s_messages_and_edits_share_five_in_five_seconds(client: Client, place: Place) -> None:
    path = f"/channels/{place.general.id}/messages"
    seen: list[tuple[str, str]] = []
    made: Any = {}
    for _ in range(5):
        answer, made = await client.ask("POST", path, MESSAGE)
        seen.append((answer.headers["X-RateLimit-Limit"], answer.headers["X-RateLimit-Remaining"]))
    assert seen == [("5", str(left)) for left in (4, 3, 2, 1, 0)]
    answer, body = await client.ask("PATCH", f"{path}/{made['id']}", MESSAGE)
    assert (answer.status, body["global"], answer.headers["X-RateLimit-Scope"]) == (429, False, "user")
    assert 4 < body["retry_after"] <= float(answer.headers["X-RateLimit-Reset-After"]) + 0.1 <= 5.1
    assert answer.headers["X-RateLimit-Bucket"]
    elsewhere = f"/channels/{place.guild.add_text_channel('elsewhere').id}/messages"
    assert await client.statuses(1, "POST", elsewhere, MESSAGE) == [200]


async def test_old_messages_are_not_edited_often(client: Client, place: Place) -> None:
    path = f"/channels/{place.general.id}/messages"
    _, made = await client.ask("POST", path, MESSAGE)
    place.discord.age_messages(3601)
    assert await client.statuses(3, "PATCH", f"{path}/{made['id']}", MESSAGE) == [200] * 3
    answer, body = await client.ask("PATCH", f"{path}/{made['id']}", MESSAGE)
    assert (answer.status, body["code"], body["global"]) == (429, 30046, False)
    assert "older than 1 hour" in body["message"]


async def test_too_many_invalid_requests_ban_the_address(client: Client, place: Place) -> None:
    place.discord.ban_after(3, window=0.3)
    place.general.deny(place.guild.me, Permission.SEND_MESSAGES)
    refused = await client.statuses(2, "POST", f"/channels/{place.general.id}/messages", MESSAGE)
    client.token = "wrong"
    assert refused + await client.statuses(1, "GET", "/users/@me") == [403, 403, 401]
    client.token = place.discord.token
    answer, body = await client.ask("GET", "/users/@me")
    assert answer.status == 429
    assert body["message"].startswith("You are being blocked from accessing our API temporarily")
    assert answer.headers["Server"] == "cloudflare"
    assert not {"Via", "X-RateLimit-Scope", "X-RateLimit-Limit"} & set(answer.headers)
    await asyncio.sleep(0.3)
    assert await client.statuses(1, "GET", "/users/@me") == [200]


async def test_a_limit_that_others_have_used_up_is_not_held_against_the_bot(client: Client, place: Place) -> None:
    place.discord.ban_after(3, window=60)
    place.discord.shared_limit(5)
    refused = [await client.ask("GET", "/users/@me") for _ in range(5)]
    for answer, body in refused:
        assert (answer.status, answer.headers["X-RateLimit-Scope"]) == (429, "shared")
        assert answer.headers["Via"]
        assert "X-RateLimit-Global" not in answer.headers
        assert body == {"message": "The resource is being rate limited.", "retry_after": 0.3, "global": False}
    place.discord.ratelimit(3)
    assert await client.statuses(3, "GET", "/users/@me") == [429] * 3, "its own limits are"
    answer, body = await client.ask("GET", "/users/@me")
    assert "blocked" in body["message"]


@pytest.mark.parametrize("limit", ["ratelimit", "shared_limit"])
async def test_discord_py_waits_for_a_limit_and_loses_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr("discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY", yarl.URL(place.discord.gateway_url))
    async with running(place.discord) as bot:
        getattr(place.discord, limit)(2)
        await bot.get_partial_messageable(place.general.id).send("after all")
    assert [record.status for record in place.discord.requests if record.method == "POST"] == [429, 429, 200]
    assert [message.content for message in place.general.messages] == ["after all"]


@pytest.mark.parametrize(
    ("overwrites", "body", "refused"),
    [
        ([("everyone", "deny", TEXT)], MESSAGE, 50001),
        ([("everyone", "deny", Permission.SEND_MESSAGES)], MESSAGE, 50013),
        # Roles together, then the member; each stage allows what an earlier one denied.
        ([("everyone", "deny", TEXT), ("role", "allow", TEXT)], MESSAGE, None),
        ([("role", "deny", TEXT), ("other", "allow", TEXT)], MESSAGE, None),
        ([("role", "allow", TEXT), ("me", "deny", Permission.SEND_MESSAGES)], MESSAGE, 50013),
        ([("me", "allow", TEXT), ("role", "deny", TEXT), ("everyone", "deny", TEXT)], MESSAGE, None),
        ([("me", "deny", Permission.EMBED_LINKS)], {"embeds": [{"title": "x"}]}, 50013),
        ([("me", "deny", Permission.READ_MESSAGE_HISTORY)], MESSAGE, None),
        ([("stranger", "deny", TEXT)], MESSAGE, None),
    ],
)
async def test_overwrites_add_up_as_documented(
    client: Client, place: Place, overwrites: list[tuple[str, str, Permission]], body: Any, refused: int | None
) -> None:
    guild = place.guild
    role, other, stranger = (guild.add_role(name) for name in ("role", "other", "stranger"))
    guild.me.give_role(role)
    guild.me.give_role(other)
    targets = {"everyone": guild.everyone, "role": role, "other": other, "stranger": stranger, "me": guild.me}
    for target, verb, permissions in overwrites:
        getattr(place.general, verb)(targets[target], permissions)
    answer, said = await client.ask("POST", f"/channels/{place.general.id}/messages", body)
    assert (said["code"] if refused else answer.status) == (refused or 200)


async def test_neither_an_administrator_nor_the_owner_is_denied_anything(place: Place) -> None:
    admin = place.guild.add_member("root", admin=True)
    owner = place.guild.members[place.guild.owner.id]
    for member in (admin, owner, place.alice):
        place.general.deny(member, TEXT)
    assert place.general.permissions(admin) & TEXT == place.general.permissions(owner) & TEXT == TEXT
    assert not place.general.permissions(place.alice)


async def test_one_denial_takes_others_along(place: Place) -> None:
    place.general.deny(place.alice, Permission.SEND_MESSAGES)
    left = place.general.permissions(place.alice)
    assert left & Permission.VIEW_CHANNEL
    assert not left & (Permission.EMBED_LINKS | Permission.ATTACH_FILES | Permission.MENTION_EVERYONE)
    place.music.deny(place.alice, Permission.CONNECT)
    assert place.music.permissions(place.alice) == Permission.VIEW_CHANNEL
    thread = place.guild.add_thread(place.general, "talk")
    assert place.general.permissions(place.alice) & Permission.EMBED_LINKS == 0
    assert thread.permissions(place.alice) & Permission.EMBED_LINKS, "a thread has a permission of its own to send"


async def test_everyone_is_only_text_without_the_permission(client: Client, place: Place) -> None:
    path = f"/channels/{place.general.id}/messages"
    everyone = {"content": "@everyone"}
    assert (await client.ask("POST", path, everyone))[1]["mention_everyone"]
    place.general.deny(place.guild.everyone, Permission.MENTION_EVERYONE)
    assert not (await client.ask("POST", path, everyone))[1]["mention_everyone"]


async def test_a_thread_needs_its_own_permission(client: Client, place: Place) -> None:
    thread = place.guild.add_thread(place.general, "talk")
    place.general.deny(place.guild.me, Permission.SEND_MESSAGES)
    assert await client.statuses(1, "POST", f"/channels/{thread.id}/messages", MESSAGE) == [200]
    place.general.deny(place.guild.me, Permission.SEND_MESSAGES_IN_THREADS)
    answer, body = await client.ask("POST", f"/channels/{thread.id}/messages", MESSAGE)
    assert (answer.status, body["code"]) == (403, 50013)
