"""Bodies that Discord takes, and what can be made wrong about them."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from functools import reduce
from operator import getitem
from typing import Any

LAYOUT = 1 << 15
FILE = "a.png"
MEDIA = {"url": f"attachment://{FILE}"}
EMOJI = {"name": "⏭", "id": "7"}
OPTION = {"label": "Red", "value": "r", "description": "warm", "default": True, "emoji": EMOJI}
BUTTON: dict[str, Any] = {"type": 2, "id": 11, "style": 1, "label": "Skip", "custom_id": "skip", "disabled": False}
LINK: dict[str, Any] = {"type": 2, "style": 5, "label": "More", "url": "https://example.org/"}
TEXT: dict[str, Any] = {"type": 10, "id": 12, "content": "now playing"}
THUMBNAIL: dict[str, Any] = {"type": 11, "media": MEDIA, "description": "cover", "spoiler": False}
BOUNDS: dict[str, Any] = {"placeholder": "Colour", "min_values": 1, "max_values": 1}


def select(kind: int, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "custom_id": f"select {kind}", **BOUNDS, **fields}


def default(kind: str) -> list[Any]:
    return [{"type": kind, "id": "5"}]


SELECTS = [
    select(3, options=[OPTION, {"label": "Blue", "value": "b"}]),
    select(5, default_values=default("user")),
    select(6, default_values=default("role")),
    select(7, default_values=default("user")),
    select(8, default_values=default("channel"), channel_types=[0, 2]),
]


def row(*components: Any) -> dict[str, Any]:
    return {"type": 1, "components": list(components)}


MESSAGE: dict[str, Any] = {
    "content": "hello",
    "embeds": [
        {
            "type": "rich",
            "title": "title",
            "description": "description",
            "url": "https://example.org/",
            "timestamp": "2026-01-02T03:04:05+00:00",
            "color": 1,
            "footer": {"text": "footer", "icon_url": "https://example.org/f.png"},
            "author": {"name": "author", "url": "https://example.org/", "icon_url": "https://example.org/a.png"},
            "image": {"url": "https://example.org/i.png"},
            "thumbnail": {"url": "https://example.org/t.png"},
            "fields": [{"name": "name", "value": "value", "inline": True}],
        }
    ],
    "allowed_mentions": {"parse": ["everyone"], "users": ["1"], "roles": ["2"], "replied_user": True},
    "components": [row(BUTTON | {"emoji": EMOJI}, LINK), *map(row, SELECTS[:2])],
    "attachments": [{"id": "0", "filename": FILE, "description": "cover"}],
    "flags": 1 << 12,
    "tts": False,
    "nonce": "1",
    "enforce_nonce": False,
}
CARD: dict[str, Any] = {
    "flags": LAYOUT,
    "components": [
        {
            "type": 17,
            "id": 10,
            "accent_color": 1,
            "spoiler": False,
            "components": [
                {"type": 9, "components": [TEXT], "accessory": THUMBNAIL},
                {"type": 9, "components": [{"type": 10, "content": "title"}], "accessory": LINK},
                {"type": 12, "items": [{"media": MEDIA, "description": "cover", "spoiler": False}]},
                {"type": 13, "file": MEDIA, "spoiler": False},
                {"type": 14, "spacing": 1, "divider": True},
                row(BUTTON),
            ],
        },
        *map(row, SELECTS[2:]),
    ],
}
INPUT: dict[str, Any] = {
    "type": 4,
    "custom_id": "name",
    "style": 1,
    "value": "Ada",
    "placeholder": "Name",
    "required": True,
    "min_length": 1,
    "max_length": 40,
}
CHOICES: dict[str, Any] = {"options": [{"label": "Red", "value": "r"}, {"label": "Blue", "value": "b"}]}


def label(component: Any) -> dict[str, Any]:
    return {"type": 18, "label": "Label", "description": "more", "component": component}


MODALS: list[dict[str, Any]] = [
    {"custom_id": "form", "title": "Who are you?", "components": components}
    for components in (
        [row(INPUT | {"label": "Name"}), TEXT, label(INPUT | {"custom_id": "other"})],
        [label(menu | {"required": True}) for menu in SELECTS],
        [
            label({"type": 19, "custom_id": "files", "min_values": 1, "max_values": 2, "required": True}),
            label({"type": 21, "custom_id": "one", "required": True, **CHOICES}),
            label({"type": 22, "custom_id": "some", "min_values": 0, "max_values": 2, "required": False, **CHOICES}),
            label({"type": 23, "custom_id": "yes", "default": True}),
        ],
    )
]
CONTAINER: dict[str, Any] = {"type": 17, "components": [{"type": 10, "content": "inner"}]}
KINDS = [
    *[row(BUTTON), LINK, *SELECTS, INPUT, TEXT, THUMBNAIL, *CARD["components"][0]["components"], CONTAINER],
    *[label(INPUT), {"type": 99}, {"content": "no type"}],
]

# One more than each bound that Discord has, and the ends.
LENGTHS = [
    *[0, 1, 25, 26, 32, 33, 45, 46, 80, 81, 100, 101, 150, 151, 256, 257, 512, 513, 1024, 1025],
    *[2000, 2001, 2048, 2049, 4000, 4001, 4096, 4097],
]
NUMBERS = (-1, 0, 1, 2, 3, 6, 7, 10, 11, 25, 26, 4000, 4001, 0xFFFFFF, 0x1000000)
AMOUNTS = (0, 1, 3, 4, 5, 6, 10, 11, 25, 26, 41)


def mutants(body: Any, each: int, chance: random.Random) -> Iterator[tuple[str, Any]]:
    """The body with one thing about it changed, and which; so many of each thing's changes, some still right."""
    seen = {json.dumps(body)}
    for path in paths(body):
        every = list(changes(reduce(getitem, path, body)))
        for value in chance.sample(every, min(each, len(every))):
            mutant = changed(body, path, value)
            if (text := json.dumps(mutant)) not in seen:
                seen.add(text)
                yield f"{'.'.join(map(str, path))} = {json.dumps(value)[:60]}", mutant


def paths(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The places of all values within a value."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield (*at, step)
        yield from paths(inner, (*at, step))


GONE = "(gone)"


def changes(value: Any) -> Iterator[Any]:
    yield from (GONE, None, "text", 5, 1.5, True, [], {}, [None], ["text"])
    if isinstance(value, str):
        yield from ("x" * length for length in LENGTHS)
        if "://" in value:
            yield from ("ftp://example.org/", "example.org", "attachment://b.png", value + "x" * 2048)
    elif isinstance(value, int):
        yield from NUMBERS
    elif isinstance(value, list) and value:
        yield from (renamed(value, amount) for amount in AMOUNTS)
    elif isinstance(value, dict) and "type" in value:
        yield from KINDS


def renamed(items: list[Any], amount: int) -> list[Any]:
    """So many items like the first, no two alike."""
    if not isinstance(items[0], dict):
        return [items[0]] * amount
    copies = [copy.deepcopy(items[0]) for _ in range(amount)]
    for number, item in enumerate(copies):
        for path in list(paths(item)):
            parent = reduce(getitem, path[:-1], item)
            if path[-1] in ("custom_id", "value") and isinstance(parent[path[-1]], str):
                parent[path[-1]] += str(number)
            elif path[-1] == "id" and isinstance(parent["id"], int):
                parent["id"] += 100 * (number + 1)
            elif path[-1] == "default":
                parent["default"] = False
    return copies


def changed(body: Any, path: tuple[Any, ...], value: Any) -> Any:
    mutant = copy.deepcopy(body)
    parent = reduce(getitem, path[:-1], mutant)
    if value is GONE:
        del parent[path[-1]]
    else:
        parent[path[-1]] = value
    return mutant
