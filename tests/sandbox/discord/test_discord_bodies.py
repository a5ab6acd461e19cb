"""Bodies with one thing wrong: what Discord's OpenAPI document refuses, the stand-in refuses (``DISCORD_OPENAPI``)."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any

import aiohttp
import pytest

from sandbox.discord import DiscordStandIn, Interaction, Record
from sandbox.discord.payload import without
from tests import discord_openapi
from tests.sandbox.discord.bodies import CARD, FILE, MESSAGE, MODALS, mutants
from tests.sandbox.discord.bots import Place

if not discord_openapi.given():
    pytest.skip(discord_openapi.MISSING, allow_module_level=True)

EACH = 1
"""How many changes of each thing in a body are tried; all of them take minutes."""

REFUSAL = "/components/schemas/ErrorResponse"
# What Discord says elsewhere than in this document, by the code of its refusal.
BEYOND = {
    "ATTACHMENT_NOT_FOUND",
    "BASE_TYPE_BAD_LENGTH",
    "BASE_TYPE_CHOICES",
    "BASE_TYPE_MAX_LENGTH",
    "BASE_TYPE_MIN_LENGTH",
    "BASE_TYPE_REQUIRED",
    "BUTTON_COMPONENT_CUSTOM_ID_REQUIRED",
    "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE",
    "BUTTON_COMPONENT_INVALID_LABEL",
    "BUTTON_COMPONENT_URL_REQUIRED",
    "COMPONENT_CUSTOM_ID_DUPLICATED",
    "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED",
    "COMPONENT_LAYOUT_WIDTH_EXCEEDED",
    "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED",
    "DATE_TIME_TYPE_PARSE",
    "LIST_ITEM_VALUE_REQUIRED",
    "MAX_EMBED_SIZE_EXCEEDED",
    "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
    "NONCE_TYPE_INVALID_TYPE",
    "NONCE_TYPE_TOO_LONG",
    "NUMBER_TYPE_MAX",
    "NUMBER_TYPE_MIN",
    "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED",
    "SELECT_COMPONENT_TOO_MANY_DEFAULT_VALUES",
    "SET_TYPE_ALREADY_CONTAINS_VALUE",
    "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND",
    "UNION_TYPE_CHOICES",
    "URL_TYPE_INVALID_SCHEME",
    "URL_TYPE_INVALID_URL",
}


class Sender:
    """A bot's HTTP half; each request has a file with it."""

    def __init__(self, place: Place, http: aiohttp.ClientSession) -> None:
        self._place = place
        self._http = http

    async def create(self, body: Any) -> Record:
        return await self._send("POST", f"/channels/{self._place.general.id}/messages", body)

    async def edit(self, body: Any) -> Record:
        message = await self.create({"embeds": [{"title": "old"}]})
        body = {"embeds": []} | body
        return await self._send("PATCH", f"{message.path}/{message.answer['id']}", body)

    async def answer(self, body: Any) -> Record:
        return await self._callback(await self._use(), 4, body)

    async def deferral(self, body: Any) -> Record:
        return await self._callback(await self._use(), 5, body)

    async def followup(self, body: Any) -> Record:
        use = await self._use()
        await self._callback(use, 4, {"content": "first"})
        return await self._send("POST", f"/webhooks/{self._place.discord.bot.id}/{use.token}", body)

    async def modal(self, body: Any) -> Record:
        return await self._callback(await self._use(), 9, body)

    async def _use(self) -> Interaction:
        return await self._place.alice.slash("ping", channel=self._place.general)

    async def _callback(self, use: Interaction, kind: int, data: Any) -> Record:
        return await self._send("POST", f"/interactions/{use.id}/{use.token}/callback", {"type": kind, "data": data})

    async def _send(self, method: str, path: str, body: Any) -> Record:
        form = aiohttp.FormData()
        form.add_field("payload_json", json.dumps(body), content_type="application/json")
        form.add_field("files[0]", b"x", filename=FILE)
        async with self._http.request(method, self._place.discord.api_url + path, data=form) as answer:
            text = await answer.text()
        received = json.loads(text) if text else None
        return Record(0.0, method, path, path, {}, body, [FILE], answer.status, received)


@pytest.fixture
async def discord() -> AsyncIterator[DiscordStandIn]:
    """Without the comparison of everything at the end, which is made of each request here."""
    async with DiscordStandIn() as stand_in:
        yield stand_in


@pytest.fixture
async def sender(place: Place) -> AsyncIterator[Sender]:
    place.discord.world.commands.replace(None, [{"name": "ping", "description": "Answers"}])
    async with aiohttp.ClientSession(headers={"Authorization": f"Bot {place.discord.token}"}) as http:
        yield Sender(place, http)


def codes(tree: Any) -> set[str]:
    """The codes of all errors in a refusal."""
    if not isinstance(tree, dict):
        return set()
    own = {error["code"] for error in tree.get("_errors", [])}
    return own.union(*(codes(inner) for name, inner in tree.items() if name != "_errors"))


def differences(what: str, record: Record) -> list[str]:
    """Where the stand-in and the document are not of one mind about a request."""
    unsent = Record(0.0, record.method, record.path, record.path, {}, record.body, record.files)
    if record.status < 400:
        return [f"{what}: taken, but {fault}" for fault in discord_openapi.faults(unsent)]
    if fault := discord_openapi.schema_fault(discord_openapi.ANSWERS, REFUSAL, record.answer):
        return [f"{what}: the answer {fault}"]
    if record.answer["code"] not in (50035, 50006):
        return [f"{what}: {record.status} {record.answer}"]
    unexplained = codes(record.answer.get("errors", {})) - BEYOND
    return [f"{what}: refused for {unexplained}"] if unexplained and not discord_openapi.faults(unsent) else []


async def compare(send: Callable[[Any], Awaitable[Record]], bodies: Iterable[tuple[str, Any]]) -> int:
    """Send all of them; returns how many were refused."""
    found: list[str] = []
    refused = 0
    for what, body in bodies:
        record = await send(body)
        refused += record.status >= 400
        found += differences(what, record)
    assert not found, "\n".join(found)
    return refused


@pytest.mark.parametrize("body", [MESSAGE, CARD], ids=["message", "card"])
async def test_a_message_is_taken_and_with_one_thing_wrong_refused(sender: Sender, body: Any) -> None:
    assert discord_openapi.faults(await sender.create(body)) == []
    assert await compare(sender.create, mutants(body, EACH, random.Random(1))) > 50


@pytest.mark.parametrize("body", MODALS, ids=["texts", "menus", "others"])
async def test_a_modal_is_taken_and_with_one_thing_wrong_refused(sender: Sender, body: Any) -> None:
    assert (await sender.modal(body)).status == 204
    assert await compare(sender.modal, mutants(body, EACH, random.Random(2))) > 20


@pytest.mark.parametrize("route", ["edit", "answer", "deferral", "followup"])
async def test_every_way_to_send_a_message_is_as_strict(sender: Sender, route: str) -> None:
    chance = random.Random(route)
    send = getattr(sender, route)
    for body in (without(MESSAGE, "tts", "nonce", "enforce_nonce"), CARD):
        assert (await send(body)).status < 300
        some = chance.sample(list(mutants(body, EACH, chance)), 30)
        assert await compare(send, some) > 10


async def test_what_the_document_refuses_is_found_out(discord: DiscordStandIn) -> None:
    """The comparison itself: a wrong body that was taken, and a right one that was refused."""
    path = "/channels/1/messages"
    taken = Record(0.0, "POST", path, path, {}, {"content": 5}, [], 200, {})
    errors = {"content": {"_errors": [{"code": "NEW", "message": "new"}]}}
    refusal = {"code": 50035, "message": "Invalid Form Body", "errors": errors}
    refused = Record(0.0, "POST", path, path, {}, {"content": "x"}, [], 400, refusal)
    assert "taken, but" in differences("content", taken)[0]
    assert differences("content", refused) == ["content: refused for {'NEW'}"]
