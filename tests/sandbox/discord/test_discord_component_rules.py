"""What Discord refuses in components: in a message with and without IS_COMPONENTS_V2, and in a modal."""

from functools import reduce
from operator import getitem
from typing import Any

import aiohttp
import pytest

from sandbox.discord.component_answers import with_ids
from tests.sandbox.discord.bots import Place

LAYOUT = 1 << 15
URL = {"url": "https://example.org/a.png"}
BUTTON: dict[str, Any] = {"type": 2, "style": 1, "label": "x", "custom_id": "a"}
LINK: dict[str, Any] = {"type": 2, "style": 5, "label": "x", "url": "https://example.org/"}
TEXT: dict[str, Any] = {"type": 10, "content": "text"}
THUMBNAIL: dict[str, Any] = {"type": 11, "media": URL}
SECTION: dict[str, Any] = {"type": 9, "components": [TEXT], "accessory": BUTTON}
INPUT: dict[str, Any] = {"type": 4, "custom_id": "i", "style": 1}


def row(*components: Any) -> dict[str, Any]:
    return {"type": 1, "components": list(components)}


def buttons(count: int) -> list[Any]:
    return [BUTTON | {"custom_id": f"b{number}"} for number in range(count)]


def options(count: int) -> list[Any]:
    return [{"label": "x", "value": str(number)} for number in range(count)]


def menu(**fields: Any) -> dict[str, Any]:
    return {"type": 3, "custom_id": "m", "options": options(2), **fields}


def people(count: int, **fields: Any) -> dict[str, Any]:
    return {"type": 5, "custom_id": "p", "default_values": [{"type": "user", "id": "1"}] * count, **fields}


def container(*components: Any) -> dict[str, Any]:
    return {"type": 17, "components": list(components)}


def gallery(count: int) -> dict[str, Any]:
    return {"type": 12, "items": [{"media": URL}] * count}


def label(component: Any, **fields: Any) -> dict[str, Any]:
    return {"type": 18, "label": "Label", "component": component, **fields}


LEGACY: list[tuple[list[Any], str, str]] = [
    ([TEXT], "0", "UNION_TYPE_CHOICES"),
    ([{"components": [BUTTON]}], "0", "TAG_FIELD_MISSING"),
    (["row"], "0", "MODEL_TYPE_CONVERT"),
    ([None], "0", "LIST_ITEM_VALUE_REQUIRED"),
    ([row(*buttons(1)), *([row(LINK)] * 5)], "", "BASE_TYPE_MAX_LENGTH"),
    ([row(TEXT)], "0 components 0", "UNION_TYPE_CHOICES"),
    ([row(row(BUTTON))], "0 components 0", "UNION_TYPE_CHOICES"),
    ([row(INPUT)], "0 components 0", "UNION_TYPE_CHOICES"),
    ([row(*buttons(6))], "0 components", "BASE_TYPE_BAD_LENGTH"),
    ([row(BUTTON, menu())], "0 components 1", "COMPONENT_LAYOUT_WIDTH_EXCEEDED"),
    ([{"type": 1}], "0 components", "BASE_TYPE_REQUIRED"),
    ([row(BUTTON | {"style": 7})], "0 components 0 style", "BASE_TYPE_CHOICES"),
    ([row(BUTTON | {"style": None})], "0 components 0 style", "BASE_TYPE_REQUIRED"),
    ([row(BUTTON | {"custom_id": None})], "0 components 0 custom_id", "BUTTON_COMPONENT_CUSTOM_ID_REQUIRED"),
    ([row(BUTTON | {"label": ""})], "0 components 0", "BUTTON_COMPONENT_INVALID_LABEL"),
    (
        [row(BUTTON | {"url": "https://example.org/"})],
        "0 components 0 url",
        "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE",
    ),
    (
        [row(LINK | {"custom_id": "a"})],
        "0 components 0 custom_id",
        "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE",
    ),
    ([row(LINK | {"url": None})], "0 components 0 url", "BUTTON_COMPONENT_URL_REQUIRED"),
    ([row(LINK | {"url": "javascript://x"})], "0 components 0 url", "URL_TYPE_INVALID_SCHEME"),
    ([row({"type": 2, "style": 6})], "0 components 0 sku_id", "BASE_TYPE_REQUIRED"),
    ([row({"type": 2, "style": 6, "sku_id": "1", "label": "x"})], "0 components 0 label", "BASE_TYPE_CHOICES"),
    ([row(BUTTON | {"id": 7}), row(LINK | {"id": 7})], "1 components 0 id", "SET_TYPE_ALREADY_CONTAINS_VALUE"),
    ([row(menu(options=options(26)))], "0 components 0 options", "BASE_TYPE_BAD_LENGTH"),
    ([row(menu(options=options(1) * 2))], "0 components 0 options 1", "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED"),
    (
        [row(menu(options=[{"label": "x" * 101, "value": "x"}]))],
        "0 components 0 options 0 label",
        "BASE_TYPE_BAD_LENGTH",
    ),
    (
        [row(menu(options=[{"label": "x", "value": "x", "description": "x" * 101}]))],
        "0 components 0 options 0 description",
        "BASE_TYPE_MAX_LENGTH",
    ),
    (
        [row(menu(options=[option | {"default": True} for option in options(2)]))],
        "0 components 0 options",
        "SELECT_COMPONENT_TOO_MANY_DEFAULT_VALUES",
    ),
    ([row(menu(placeholder="x" * 151))], "0 components 0 placeholder", "BASE_TYPE_MAX_LENGTH"),
    ([row(menu(min_values=26))], "0 components 0 min_values", "NUMBER_TYPE_MAX"),
    ([row(menu(max_values=0))], "0 components 0 max_values", "NUMBER_TYPE_MIN"),
    ([row(menu(min_values=2))], "0 components 0 min_values", "NUMBER_TYPE_MAX"),
    ([row(menu(max_values=3))], "0 components 0 options", "BASE_TYPE_MIN_LENGTH"),
    ([row(people(2))], "0 components 0 default_values", "SELECT_COMPONENT_TOO_MANY_DEFAULT_VALUES"),
    ([row(people(1, min_values=2, max_values=2))], "0 components 0 default_values", "BASE_TYPE_MIN_LENGTH"),
]
CARDS: list[tuple[list[Any], str, str]] = [
    ([BUTTON], "0", "UNION_TYPE_CHOICES"),
    ([container(container(TEXT))], "0 components 0", "UNION_TYPE_CHOICES"),
    ([container()], "0 components", "BASE_TYPE_BAD_LENGTH"),
    ([container(TEXT) | {"accent_color": 0x1000000}], "0 accent_color", "NUMBER_TYPE_MAX"),
    ([SECTION | {"components": [TEXT] * 4}], "0 components", "BASE_TYPE_BAD_LENGTH"),
    ([SECTION | {"components": [row(LINK)]}], "0 components 0", "UNION_TYPE_CHOICES"),
    ([SECTION | {"accessory": None}], "0 accessory", "BASE_TYPE_REQUIRED"),
    ([SECTION | {"accessory": TEXT}], "0 accessory", "UNION_TYPE_CHOICES"),
    ([THUMBNAIL], "0", "UNION_TYPE_CHOICES"),
    (
        [SECTION | {"accessory": THUMBNAIL | {"description": "x" * 1025}}],
        "0 accessory description",
        "BASE_TYPE_BAD_LENGTH",
    ),
    ([gallery(0)], "0 items", "BASE_TYPE_BAD_LENGTH"),
    ([gallery(11)], "0 items", "BASE_TYPE_BAD_LENGTH"),
    ([{"type": 13, "file": URL}], "0 file url", "URL_TYPE_INVALID_SCHEME"),
    ([{"type": 14, "spacing": 3}], "0 spacing", "BASE_TYPE_CHOICES"),
    ([TEXT | {"content": "x" * 2001}] * 2, "", "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED"),
    ([TEXT] * 39 + [row(LINK)], "", "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED"),
    ([SECTION, SECTION], "1 accessory custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED"),
]
MODALS: list[tuple[Any, str, str]] = [
    ({"title": "x" * 46}, "title", "BASE_TYPE_BAD_LENGTH"),
    ({"custom_id": "x" * 101}, "custom_id", "BASE_TYPE_BAD_LENGTH"),
    ({"components": None}, "components", "BASE_TYPE_REQUIRED"),
    ({"components": []}, "components", "BASE_TYPE_BAD_LENGTH"),
    ({"components": [TEXT] * 6}, "components", "BASE_TYPE_BAD_LENGTH"),
    ({"components": [INPUT]}, "components 0", "UNION_TYPE_CHOICES"),
    ({"components": [row(BUTTON)]}, "components 0 components 0", "UNION_TYPE_CHOICES"),
    ({"components": [label(BUTTON)]}, "components 0 component", "UNION_TYPE_CHOICES"),
    ({"components": [label(None)]}, "components 0 component", "BASE_TYPE_REQUIRED"),
    ({"components": [label(INPUT, label="x" * 46)]}, "components 0 label", "BASE_TYPE_BAD_LENGTH"),
    ({"components": [label(INPUT, description="x" * 101)]}, "components 0 description", "BASE_TYPE_BAD_LENGTH"),
    ({"components": [label(INPUT | {"style": 3})]}, "components 0 component style", "BASE_TYPE_CHOICES"),
    ({"components": [label(INPUT | {"min_length": -1})]}, "components 0 component min_length", "NUMBER_TYPE_MIN"),
    ({"components": [label(INPUT | {"max_length": 4001})]}, "components 0 component max_length", "NUMBER_TYPE_MAX"),
    ({"components": [label(INPUT | {"value": "x" * 4001})]}, "components 0 component value", "BASE_TYPE_MAX_LENGTH"),
    (
        {"components": [row(INPUT | {"label": "x", "placeholder": "x" * 101})]},
        "components 0 components 0 placeholder",
        "BASE_TYPE_MAX_LENGTH",
    ),
    (
        {"components": [row(INPUT, INPUT | {"custom_id": "j"})]},
        "components 0 components 1",
        "COMPONENT_LAYOUT_WIDTH_EXCEEDED",
    ),
    ({"components": [row(INPUT)] * 2}, "components 1 components 0 custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED"),
    ({"components": [label(menu(disabled=True))]}, "components 0 component disabled", "BASE_TYPE_CHOICES"),
    ({"components": [label(menu(min_values=0))]}, "components 0 component min_values", "NUMBER_TYPE_MIN"),
    (
        {"components": [label({"type": 21, "custom_id": "r", "options": options(1)})]},
        "components 0 component options",
        "BASE_TYPE_BAD_LENGTH",
    ),
]


def codes_at(errors: Any, where: str) -> list[str]:
    return [error["code"] for error in reduce(getitem, where.split(), errors)["_errors"]]


async def post(place: Place, path: str, body: Any) -> tuple[int, Any]:
    headers = {"Authorization": f"Bot {place.discord.token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.post(place.discord.api_url + path, json=body) as answer,
    ):
        return answer.status, await answer.json() if answer.status != 204 else {}


async def send(place: Place, components: list[Any], flags: int) -> tuple[int, Any]:
    return await post(place, f"/channels/{place.general.id}/messages", {"flags": flags, "components": components})


async def open_form(place: Place, form: Any) -> tuple[int, Any]:
    place.discord.world.commands.replace(None, [{"name": "ping", "description": "Answers"}])
    use = await place.alice.slash("ping", channel=place.general)
    return await post(place, f"/interactions/{use.id}/{use.token}/callback", {"type": 9, "data": form})


@pytest.mark.parametrize(("components", "where", "code"), LEGACY)
async def test_rows_are_refused_where_they_are_wrong(
    place: Place, components: list[Any], where: str, code: str
) -> None:
    status, body = await send(place, components, 0)
    assert (status, codes_at(body["errors"]["components"], where)) == (400, [code])


@pytest.mark.parametrize(("components", "where", "code"), CARDS)
async def test_cards_are_refused_where_they_are_wrong(
    place: Place, components: list[Any], where: str, code: str
) -> None:
    status, body = await send(place, components, LAYOUT)
    assert (status, codes_at(body["errors"]["components"], where)) == (400, [code])


@pytest.mark.parametrize(("change", "where", "code"), MODALS)
async def test_forms_are_refused_where_they_are_wrong(place: Place, change: Any, where: str, code: str) -> None:
    form = {"custom_id": "form", "title": "Form", "components": [label(INPUT)]}
    status, body = await open_form(place, form | change)
    assert (status, codes_at(body["errors"]["data"], where)) == (400, [code])
    assert (await open_form(place, form))[0] == 204


async def test_what_is_as_large_as_can_be_is_taken(place: Place) -> None:
    menus = [row(menu(options=options(25), max_values=25, placeholder="x" * 150)), row(people(1, min_values=0))]
    assert (await send(place, [row(*buttons(5)), *menus, row(LINK), row(LINK)], 0))[0] == 200
    texts = [TEXT | {"content": "x" * 100}] * 35
    assert (await send(place, [container(*texts, gallery(10)), SECTION], LAYOUT))[0] == 200


def test_ids_are_given_where_there_are_none_and_never_twice() -> None:
    numbered = with_ids([row(BUTTON | {"id": 1}, LINK | {"id": 0}), SECTION | {"id": 2}])
    accessory, (text,) = numbered[1]["accessory"], numbered[1]["components"]
    ids = [numbered[0]["id"], *(child["id"] for child in numbered[0]["components"]), numbered[1]["id"]]
    assert ids == [3, 1, 4, 2]
    assert {text["id"], accessory["id"]} == {5, 6}
