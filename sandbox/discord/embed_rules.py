"""What Discord refuses in embeds (discord.com/developers/docs/resources/message#embed-object)."""

from __future__ import annotations

from typing import Any

from .errors import FormErrors
from .fields import Flag, Listed, Rule, Shape, Text, Timestamp, Url, Whole
from .payload import Json, as_object, as_objects

EMBEDS_LIMIT = 10
TOTAL_LIMIT = 6000

_ATTACHABLE = Url(("http", "https", "attachment"))
_PICTURE = Shape({}, {"url": _ATTACHABLE, "description": Text(0, 4096)})
_PARTS: dict[str, Rule] = {
    "title": Text(0, 256),
    "description": Text(0, 4096),
    "url": Url(),
    "timestamp": Timestamp(),
    "color": Whole(0, 0xFFFFFF),
    "footer": Shape({}, {"text": Text(0, 2048), "icon_url": _ATTACHABLE}),
    "author": Shape({}, {"name": Text(0, 256), "url": Url(), "icon_url": _ATTACHABLE}),
    "image": _PICTURE,
    "thumbnail": _PICTURE,
    "video": _PICTURE,
    "provider": Shape({}, {"name": Text(0, 256), "url": Url()}),
    # They may be empty (github.com/discordjs/discord.js/issues/10744).
    "fields": Listed(Shape({"name": Text(0, 256), "value": Text(0, 1024)}, {"inline": Flag()}), 0, 25),
}
EMBEDS = Listed(Shape({}, {"type": Text(0, 152133), **_PARTS}), 0, EMBEDS_LIMIT)
_SHOWN = ("title", "description", "footer", "author", "image", "thumbnail", "video", "provider", "fields")


def check_embeds(embeds: list[Json], errors: FormErrors) -> None:
    """Check embeds whose fields are right."""
    for index, embed in enumerate(embeds):
        if not any(embed.get(name) for name in _SHOWN):
            # github.com/discordjs/discord.js/issues/8317
            errors.required("embeds", index, "description")
    if sum(map(_size, embeds)) > TOTAL_LIMIT:
        message = f"Embed size exceeds maximum size of {TOTAL_LIMIT}"
        errors.add(("embeds",), "MAX_EMBED_SIZE_EXCEEDED", message)


def _size(embed: Json) -> int:
    texts: list[Any] = [embed.get("title"), embed.get("description")]
    texts += [as_object(embed.get("footer")).get("text"), as_object(embed.get("author")).get("name")]
    for field in as_objects(embed.get("fields")):
        texts += [field.get("name"), field.get("value")]
    return sum(len(text) for text in texts if isinstance(text, str))
