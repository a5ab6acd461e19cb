"""An interaction's webhook, request by request."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from sandbox.discord import DiscordStandIn, Interaction
from tests import discord_openapi
from tests.sandbox.discord.bots import Place


class Answering:
    """A bot's HTTP half, without a gateway."""

    def __init__(self, discord: DiscordStandIn, http: aiohttp.ClientSession) -> None:
        self._discord = discord
        self._http = http

    async def callback(self, use: Interaction, body: Any, **query: str) -> tuple[int, Any]:
        return await self._request("POST", f"/interactions/{use.id}/{use.token}/callback", body, query)

    async def webhook(self, method: str, use: Interaction, path: str = "", body: Any = None) -> tuple[int, Any]:
        return await self._request(method, f"/webhooks/{self._discord.bot.id}/{use.token}{path}", body, {})

    async def ask(self, path: str, body: Any = None) -> tuple[int, Any]:
        """A POST to any path."""
        return await self._request("POST", path, body, {})

    async def _request(self, method: str, path: str, body: Any, query: dict[str, str]) -> tuple[int, Any]:
        url = self._discord.api_url + path
        async with self._http.request(method, url, json=body, params=query) as answer:
            return answer.status, await answer.json() if answer.status != 204 else None


@pytest.fixture
async def discord(request: pytest.FixtureRequest) -> AsyncIterator[DiscordStandIn]:
    """Its parameter is the lifetime of tokens in seconds, 900 without one."""
    async with DiscordStandIn(token_lifetime=getattr(request, "param", 900.0)) as stand_in:
        command = {"name": "ping", "description": "Answers"}
        stand_in.world.commands.replace(None, [command])
        yield stand_in
        discord_openapi.check(stand_in.requests, refused=False)


@pytest.fixture
async def bot(discord: DiscordStandIn) -> AsyncIterator[Answering]:
    async with aiohttp.ClientSession() as http:
        yield Answering(discord, http)


async def test_a_callback_answers_204_or_what_it_made(bot: Answering, place: Place) -> None:
    first, second = [await place.alice.slash("ping", channel=place.general) for _ in range(2)]
    message = {"type": 4, "data": {"content": "pong"}}
    assert await bot.callback(first, message) == (204, None)
    status, made = await bot.callback(second, message, with_response="true")
    assert status == 200
    assert made["resource"]["message"]["content"] == "pong"
    assert made["interaction"]["response_message_id"] == made["resource"]["message"]["id"]


async def test_followups_before_any_answer_find_no_webhook(bot: Answering, place: Place) -> None:
    use = await place.alice.slash("ping", channel=place.general)
    status, error = await bot.webhook("POST", use, body={"content": "early"})
    assert (status, error["code"]) == (404, 10015)


async def test_a_deferral_keeps_its_ephemeral_mark(bot: Answering, place: Place) -> None:
    use = await place.alice.slash("ping", channel=place.general)
    await bot.callback(use, {"type": 5, "data": {"flags": 64}})
    await bot.webhook("POST", use, body={"content": "public?"})
    await bot.webhook("POST", use, body={"content": "public!"})
    assert [(m.content, m.ephemeral) for m in use.messages] == [("public?", True), ("public!", False)]
    assert [m.content for m in place.general.messages] == ["public!"]


async def test_the_original_can_be_read_edited_and_deleted(bot: Answering, place: Place) -> None:
    use = await place.alice.slash("ping", channel=place.general)
    await bot.callback(use, {"type": 4, "data": {"content": "one"}})
    assert (await bot.webhook("PATCH", use, "/messages/@original", {"content": "two"}))[0] == 200
    assert (await bot.webhook("GET", use, "/messages/@original"))[1]["content"] == "two"
    assert await bot.webhook("DELETE", use, "/messages/@original") == (204, None)
    status, error = await bot.webhook("GET", use, "/messages/@original")
    assert (status, error["code"]) == (404, 10008)
    assert use.messages[0].deleted


@pytest.mark.parametrize("discord", [0.2], indirect=True)
async def test_a_token_expires(bot: Answering, place: Place) -> None:
    use = await place.alice.slash("ping", channel=place.general)
    await bot.callback(use, {"type": 5})
    await asyncio.sleep(0.2)
    status, error = await bot.webhook("PATCH", use, "/messages/@original", {"content": "late"})
    assert (status, error) == (401, {"message": "Invalid Webhook Token", "code": 50027})


async def test_a_type_that_does_not_fit_is_refused(bot: Answering, place: Place) -> None:
    use = await place.alice.slash("ping", channel=place.general)
    for kind in (1, 6, 7, 8, "4", None):
        status, error = await bot.callback(use, {"type": kind})
        assert (status, error["code"]) == (400, 50035)
    assert not use.acknowledged


async def test_what_no_handler_understands_is_refused_and_noted(bot: Answering, place: Place) -> None:
    use = await place.alice.slash("ping", channel=place.general)
    status, error = await bot.callback(use, {"type": [4]})
    assert (status, error["code"]) == (400, 50035)
    assert [record.status for record in place.discord.unknown_requests] == [400]


async def test_an_answer_to_an_interaction_that_is_not_there_is_too_late(bot: Answering, place: Place) -> None:
    use, other = [await place.alice.slash("ping", channel=place.general) for _ in range(2)]
    for path in (f"/interactions/{other.id}/{use.token}/callback", f"/interactions/{use.id}/{'x' * 64}/callback"):
        status, error = await bot.ask(path, {"type": 5})
        assert (status, error) == (404, {"message": "Unknown interaction", "code": 10062})
    assert not use.acknowledged
    assert not other.acknowledged


async def test_a_webhook_is_the_bot_s_own_and_knows_its_own_messages(bot: Answering, place: Place) -> None:
    use, other = [await place.alice.slash("ping", channel=place.general) for _ in range(2)]
    for each in (use, other):
        await bot.callback(each, {"type": 4, "data": {"content": "pong"}})
    status, error = await bot.ask(f"/webhooks/{place.alice.id}/{use.token}", {"content": "x"})
    assert (status, error["code"]) == (404, 10015)
    status, error = await bot.webhook("PATCH", use, f"/messages/{other.messages[0].id}", {"content": "x"})
    assert (status, error["code"]) == (404, 10008)
    assert (await bot.webhook("PATCH", use, f"/messages/{use.messages[0].id}", {"content": "x"}))[0] == 200
