"""Components as Discord answers them: numbered, with every field, their files where those can be had."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from .attachment_rules import REFERENCE
from .component_fields import SELECTS
from .component_rules import placed
from .component_types import ComponentType
from .payload import Json, as_object, as_objects

UNSAID: Json = {"description": None, "spoiler": False}
"""What media are where nothing is said of them."""
DEFAULTS: dict[int, Json] = {
    **{kind: {"min_values": 1, "max_values": 1} for kind in SELECTS},
    ComponentType.CONTAINER: {"accent_color": None, "spoiler": False},
    ComponentType.THUMBNAIL: UNSAID,
    ComponentType.FILE: {"spoiler": False},
    ComponentType.SEPARATOR: {"spacing": 1, "divider": True},
}


def with_ids(components: list[Json]) -> list[Json]:
    """Number the components that have no ``id``, and fill in what they leave to Discord."""
    taken = {component.get("id") for _, component in placed(components)}
    free = (number for number in count(1) if number not in taken)

    def numbered(component: Json) -> Json:
        done = {"id": component.get("id") or next(free)} | {
            key: value for key, value in component.items() if key != "id"
        }
        if "components" in done:
            done["components"] = [numbered(child) for child in as_objects(done["components"])]
        for name in ("accessory", "component"):
            if name in done:
                done[name] = numbered(as_object(done[name]))
        return DEFAULTS.get(done["type"], {}) | done

    return [numbered(component) for component in components]


def answered(components: list[Json], attachments: list[Json], new_id: Callable[[], int]) -> list[Json]:
    """Checked components as they are kept, each URL of a message's file made one of the CDN's."""
    files = {REFERENCE + attachment["filename"]: attachment for attachment in attachments}

    def unfurled(media: Json) -> Json:
        file = files.get(media["url"])
        if file is None:
            return {"id": str(new_id()), "url": media["url"], "proxy_url": media["url"]}
        kept = {name: file[name] for name in ("url", "proxy_url", "content_type")}
        return {"id": str(new_id()), "attachment_id": file["id"], **kept}

    done = with_ids(components)
    for _, component in placed(done):
        if "media" in component:
            component["media"] = unfurled(component["media"])
        if "items" in component:
            component["items"] = [UNSAID | item | {"media": unfurled(item["media"])} for item in component["items"]]
        if "file" in component:
            attachment = files[component["file"]["url"]]
            component |= {"name": attachment["filename"], "size": attachment["size"]}
            component["file"] = unfurled(component["file"])
        _spell_snowflakes(component)
    return done


def _spell_snowflakes(component: Json) -> None:
    """Snowflakes may come as numbers, and go as text (discord.com/developers/docs/reference#snowflakes)."""
    if "sku_id" in component:
        component["sku_id"] = str(component["sku_id"])
    options = as_objects(component.get("options"))
    emojis = [as_object(holder.get("emoji")) for holder in (component, *options)]
    for holder in (*emojis, *as_objects(component.get("default_values"))):
        if "id" in holder:
            holder["id"] = str(holder["id"])
