"""The fields of every component, and which component may hold which.

discord.com/developers/docs/components/reference, with the bounds of Discord's OpenAPI document.
"""

from __future__ import annotations

from collections.abc import Mapping

from .component_types import ComponentType as Type
from .fields import Choice, Flag, Listed, Rule, Shape, Snowflake, Tagged, Text, Url, Whole

ROWS_LIMIT = 5
COMPONENTS_V2_LIMIT = 40
TEXT_V2_LIMIT = 4000
TEXT_INPUT_LIMIT = 4000
MODAL_LIMIT = 5

CUSTOM_ID = Text(1, 100)
CHANNEL_TYPES = Choice((0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15))
EMOJI = Shape({"name": Text(0, 32)}, {"id": Snowflake()})


def _component(required: Mapping[str, Rule], optional: Mapping[str, Rule] | None = None) -> Shape:
    return Shape(required, {"id": Whole(0, 2**31 - 1), **(optional or {})})


def _media(*schemes: str) -> Shape:
    return Shape({"url": Url(schemes)})


ANY_MEDIA = _media("http", "https", "attachment")
BESIDE_MEDIA: Mapping[str, Rule] = {"description": Text(1, 1024), "spoiler": Flag()}
"""What thumbnails and the items of a gallery have beside their media."""

# Leaves

BUTTON = _component(
    {"style": Choice((1, 2, 3, 4, 5, 6))},
    {
        "custom_id": CUSTOM_ID,
        "label": Text(0, 80),
        "disabled": Flag(),
        "url": Url(("http", "https", "discord"), 512),
        "sku_id": Snowflake(),
        "emoji": EMOJI,
    },
)
TEXT_DISPLAY = _component({"content": Text(1, TEXT_V2_LIMIT)})
THUMBNAIL = _component({"media": ANY_MEDIA}, BESIDE_MEDIA)
MEDIA_GALLERY = _component({"items": Listed(Shape({"media": ANY_MEDIA}, BESIDE_MEDIA), 1, 10)})
FILE = _component({"file": _media("attachment")}, {"spoiler": Flag()})
SEPARATOR = _component({}, {"spacing": Choice((1, 2)), "divider": Flag()})
TEXT_INPUT = _component(
    {"custom_id": CUSTOM_ID, "style": Choice((1, 2))},
    {
        "label": Text(1, 45),
        "value": Text(0, TEXT_INPUT_LIMIT),
        "placeholder": Text(0, 100),
        "required": Flag(),
        "min_length": Whole(0, TEXT_INPUT_LIMIT),
        "max_length": Whole(1, TEXT_INPUT_LIMIT),
    },
)
FILE_UPLOAD = _component(
    {"custom_id": CUSTOM_ID},
    {"min_values": Whole(0, 10), "max_values": Whole(1, 10), "required": Flag()},
)
CHECKBOX = _component({"custom_id": CUSTOM_ID}, {"default": Flag()})


def _options(least: int, most: int, **more: Rule) -> Mapping[str, Rule]:
    option = Shape(
        {"label": Text(1, 100), "value": Text(1, 100)},
        {"description": Text(0, 100), "default": Flag(), **more},
    )
    return {"options": Listed(option, least, most)}


def _select(required: Mapping[str, Rule], *defaults: str, **more: Rule) -> Shape:
    optional: dict[str, Rule] = {
        "placeholder": Text(0, 150),
        "min_values": Whole(0, 25),
        "max_values": Whole(1, 25),
        "disabled": Flag(),
        "required": Flag(),
        **more,
    }
    if defaults:
        default = Shape({"type": Choice(defaults), "id": Snowflake()})
        optional["default_values"] = Listed(default, 0, 25)
    return _component({"custom_id": CUSTOM_ID, **required}, optional)


RADIO_GROUP = _component({"custom_id": CUSTOM_ID, **_options(2, 10)}, {"required": Flag()})
CHECKBOX_GROUP = _component(
    {"custom_id": CUSTOM_ID, **_options(1, 10)},
    {"min_values": Whole(0, 10), "max_values": Whole(1, 10), "required": Flag()},
)
SELECT_SHAPES: Mapping[int, Shape] = {
    Type.STRING_SELECT: _select(_options(1, 25, emoji=EMOJI)),
    Type.USER_SELECT: _select({}, "user"),
    Type.ROLE_SELECT: _select({}, "role"),
    Type.MENTIONABLE_SELECT: _select({}, "role", "user"),
    Type.CHANNEL_SELECT: _select({}, "channel", channel_types=Listed(CHANNEL_TYPES, 0, 25, once=True)),
}
SELECTS = set(SELECT_SHAPES)

# What holds others


def _holder(children: Mapping[int, Shape], least: int, most: int, **optional: Rule) -> Shape:
    return _component({"components": Listed(Tagged(children), least, most)}, optional)


ACTION_ROW = _holder({Type.BUTTON: BUTTON, **SELECT_SHAPES}, 1, 5)
SECTION = _component(
    {
        "components": Listed(Tagged({Type.TEXT_DISPLAY: TEXT_DISPLAY}), 1, 3),
        "accessory": Tagged({Type.BUTTON: BUTTON, Type.THUMBNAIL: THUMBNAIL}),
    }
)
_IN_CONTAINER: Mapping[int, Shape] = {
    Type.ACTION_ROW: ACTION_ROW,
    Type.SECTION: SECTION,
    Type.TEXT_DISPLAY: TEXT_DISPLAY,
    Type.MEDIA_GALLERY: MEDIA_GALLERY,
    Type.FILE: FILE,
    Type.SEPARATOR: SEPARATOR,
}
CONTAINER = _holder(_IN_CONTAINER, 1, COMPONENTS_V2_LIMIT, accent_color=Whole(0, 0xFFFFFF), spoiler=Flag())
LABEL = _component(
    {
        "label": Text(1, 45),
        "component": Tagged(
            {
                Type.TEXT_INPUT: TEXT_INPUT,
                Type.FILE_UPLOAD: FILE_UPLOAD,
                Type.RADIO_GROUP: RADIO_GROUP,
                Type.CHECKBOX_GROUP: CHECKBOX_GROUP,
                Type.CHECKBOX: CHECKBOX,
                **SELECT_SHAPES,
            }
        ),
    },
    {"description": Text(1, 100)},
)

LEGACY = Listed(Tagged({Type.ACTION_ROW: ACTION_ROW}), 0, ROWS_LIMIT)
"""A message's components without IS_COMPONENTS_V2."""
LAYOUT = Listed(Tagged({**_IN_CONTAINER, Type.CONTAINER: CONTAINER}), 0, COMPONENTS_V2_LIMIT)
"""Those of one with it."""
MODAL = Shape(
    {
        "custom_id": CUSTOM_ID,
        "title": Text(1, 45),
        # discord.com/developers/docs/interactions/receiving-and-responding#interaction-response-object-modal
        "components": Listed(
            Tagged(
                {
                    Type.ACTION_ROW: _holder({Type.TEXT_INPUT: TEXT_INPUT}, 1, 5),
                    Type.TEXT_DISPLAY: TEXT_DISPLAY,
                    Type.LABEL: LABEL,
                }
            ),
            1,
            MODAL_LIMIT,
        ),
    }
)
