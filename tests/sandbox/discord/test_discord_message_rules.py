"""What Discord refuses in a message's body and files, and what it says of it."""

import json
from collections.abc import Sequence
from functools import reduce
from operator import getitem
from typing import Any

import aiohttp
import pytest

from tests.sandbox.discord.bots import Place


async def sent(place: Place, body: Any, path: str = "", method: str = "POST", files: Sequence[str] = ()) -> Any:
    """What Discord answers to a message with files."""
    form = aiohttp.FormData()
    form.add_field("payload_json", json.dumps(body), content_type="application/json")
    for index, name in enumerate(files):
        form.add_field(f"files[{index}]", b"x", filename=name)
    url = f"{place.discord.api_url}/channels/{place.general.id}/messages{path}"
    headers = {"Authorization": f"Bot {place.discord.token}"}
    async with aiohttp.ClientSession(headers=headers) as http, http.request(method, url, data=form) as answer:
        return await answer.json()


async def test_a_message_has_ten_files_at_most_with_those_of_an_edit(place: Place) -> None:
    message = await sent(place, {}, files=[f"{number}.txt" for number in range(6)])
    more = [f"{number}.md" for number in range(5)]
    path = f"/{message['id']}"
    assert (await sent(place, {}, path, "PATCH", more))["code"] == 30015
    await sent(place, {"attachments": message["attachments"][:5]}, path, "PATCH", more)
    assert len(place.general.messages[0].attachments) == 10
    assert (await sent(place, {"attachments": [{"id": 1}] * 11}))["errors"]["attachments"]["_errors"]
    assert [record.answer["code"] for record in place.discord.broken_requests] == [30015, 50035]


async def test_an_edit_names_files_that_are_there_or_come_along(place: Place) -> None:
    message = await sent(place, {}, files=["a.txt"])
    path, (there,) = f"/{message['id']}", message["attachments"]
    kept = await sent(place, {"attachments": [there, {"id": 0, "description": "new"}]}, path, "PATCH", ["b.txt"])
    assert [attachment.get("description") for attachment in kept["attachments"]] == [None, "new"]
    unknown = await sent(place, {"attachments": [{"id": 1}]}, path, "PATCH", ["c.txt"])
    assert unknown["errors"]["attachments"]["0"]["_errors"][0]["code"] == "ATTACHMENT_NOT_FOUND"


@pytest.mark.parametrize(
    ("told", "where"),
    [
        ({"attachments": [{"id": "1"}]}, ["attachments", "0"]),
        ({"attachments": [{"description": "x"}]}, ["attachments", "0", "id"]),
        ({"attachments": [{"id": "0", "filename": ""}]}, ["attachments", "0", "filename"]),
        ({"content": 5}, ["content"]),
        ({"content": "x" * 2_001, "embeds": [{"title": "x" * 257}]}, ["embeds", "0", "title"]),
        ({"embeds": [{"color": 1}]}, ["embeds", "0", "description"]),
        ({"embeds": [{"title": "x", "timestamp": "now"}]}, ["embeds", "0", "timestamp"]),
        ({"embeds": [{"title": "x", "image": {"url": "nowhere"}}]}, ["embeds", "0", "image", "url"]),
        ({"allowed_mentions": {"parse": ["users"], "users": ["1"]}}, ["allowed_mentions"]),
        ({"allowed_mentions": {"users": ["1", "1"]}}, ["allowed_mentions", "users", "1"]),
        ({"nonce": "x" * 26}, ["nonce"]),
        ({"flags": "64"}, ["flags"]),
    ],
)
async def test_what_is_wrong_with_a_body_is_named_where_it_is(place: Place, told: Any, where: list[str]) -> None:
    answer = await sent(place, {"content": "x"} | told, files=["a.txt"])
    assert answer["code"] == 50035
    (error,) = reduce(getitem, where, answer["errors"])["_errors"]
    assert error["message"]


async def test_what_discord_allows_is_taken(place: Place) -> None:
    """Nulls, empty embed fields, a description of the file that comes along."""
    body = {
        "content": None,
        "embeds": [{"fields": [{"name": "", "value": ""}], "footer": None}],
        "allowed_mentions": {"parse": None, "users": None},
        "attachments": [{"id": 0, "filename": "b.txt", "description": None}],
    }
    answer = await sent(place, body, files=["a.txt"])
    assert [attachment["filename"] for attachment in answer["attachments"]] == ["b.txt"]


# Components v2

LAYOUT = 1 << 15
TEXT = {"type": 10, "content": "text"}
BUTTON = {"type": 2, "style": 1, "label": "x", "custom_id": "a"}
ROW = {"type": 1, "components": [BUTTON]}


async def test_components_v2_stay_and_leave_no_content_or_embed_beside_them(place: Place) -> None:
    message = await sent(place, {"content": "old", "embeds": [{"title": "old"}]})
    path = f"/{message['id']}"
    card = {"flags": LAYOUT, "components": [TEXT]}
    refused = await sent(place, card, path, "PATCH")
    assert list(refused["errors"]) == ["content", "embeds"]
    refused = await sent(place, card | {"content": None, "embeds": None}, path, "PATCH")
    assert list(refused["errors"]) == ["embeds"]
    shown = await sent(place, card | {"content": None, "embeds": []}, path, "PATCH")
    assert (shown["flags"], shown["content"]) == (LAYOUT, "")
    refused = await sent(place, {"flags": 0, "components": [TEXT]}, path, "PATCH")
    (error,) = refused["errors"]["components"]["0"]["_errors"]
    assert error == {"code": "UNION_TYPE_CHOICES", "message": 'Value of field "type" must be one of (1,).'}
    assert (await sent(place, {"flags": 0, "content": "x"}, path, "PATCH"))["errors"]["content"]
    assert (await sent(place, {"flags": 4}, path, "PATCH"))["flags"] == LAYOUT | 4
    assert (await sent(place, {"components": [TEXT, ROW]}, path, "PATCH"))["flags"] == LAYOUT | 4


async def test_media_name_a_file_that_is_there(place: Place) -> None:
    def card(name: str) -> Any:
        media = {"url": f"attachment://{name}"}
        gallery = {"type": 12, "items": [{"media": media}]}
        return {"flags": LAYOUT, "components": [gallery, {"type": 13, "file": media}]}

    message = await sent(place, card("a.png"), files=["a.png"])
    (file,) = message["attachments"]
    gallery, shown = message["components"]
    assert (shown["name"], shown["size"], shown["file"]["url"]) == ("a.png", 1, file["url"])
    assert gallery["items"][0]["media"]["attachment_id"] == file["id"]
    path = f"/{message['id']}"
    refused = (await sent(place, card("b.png"), path, "PATCH"))["errors"]["components"]
    for node in (refused["0"]["items"]["0"]["media"], refused["1"]["file"]):
        assert node["url"]["_errors"][0]["code"] == "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND"
    assert "id" in await sent(place, card("a.png"), path, "PATCH")
    assert "errors" in await sent(place, card("a.png") | {"attachments": []}, path, "PATCH")
    renamed = {"attachments": [{"id": 0, "filename": "c.png"}]}
    assert "id" in await sent(place, card("c.png") | renamed, path, "PATCH", ["b.png"])


async def test_what_is_wrong_within_a_field_hides_what_is_wrong_with_it(place: Place) -> None:
    """Never ``_errors`` beside fields, which Discord's OpenAPI document does not know."""
    twice = [{"type": 1, "components": [BUTTON]}] * 2 + [TEXT] * 37
    refused = await sent(place, {"flags": LAYOUT, "components": twice})
    assert list(refused["errors"]["components"]) == ["1"]
    many = await sent(place, {"flags": LAYOUT, "components": [TEXT] * 39 + [ROW]})
    assert list(many["errors"]["components"]) == ["_errors"]
