"""What Discord refuses in components (discord.com/developers/docs/components/reference)."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from itertools import count

from .errors import FormErrors
from .payload import Json, as_object, as_objects

ROWS_LIMIT = 5
COMPONENTS_V2_LIMIT = 40
TEXT_V2_LIMIT = 4000

Path = tuple[str | int, ...]


class ComponentType(IntEnum):
    ACTION_ROW = 1
    BUTTON = 2
    STRING_SELECT = 3
    TEXT_INPUT = 4
    USER_SELECT = 5
    ROLE_SELECT = 6
    MENTIONABLE_SELECT = 7
    CHANNEL_SELECT = 8
    SECTION = 9
    TEXT_DISPLAY = 10
    THUMBNAIL = 11
    MEDIA_GALLERY = 12
    FILE = 13
    SEPARATOR = 14
    CONTAINER = 17
    LABEL = 18


SELECTS = {3, 5, 6, 7, 8}
LAYOUT_V2 = {9, 10, 12, 13, 14, 17}
LINK_STYLE = 5
PREMIUM_STYLE = 6


class _Checker:
    def __init__(self, errors: FormErrors) -> None:
        self.errors = errors
        self.seen: set[str] = set()
        self.count = 0
        self.text = 0

    def check(self, component: Json, at: Path) -> None:
        self.count += 1
        kind = component.get("type")
        checks: dict[int, Callable[[Json, Path], None]] = {
            ComponentType.ACTION_ROW: self.row,
            ComponentType.BUTTON: self.button,
            ComponentType.SECTION: self.section,
            ComponentType.TEXT_DISPLAY: self.text_display,
            ComponentType.CONTAINER: self.container,
        }
        if not isinstance(kind, int) or kind not in set(ComponentType):
            self.errors.choice(*at, "type")
        elif kind in SELECTS:
            self.select(component, at)
        elif kind in checks:
            checks[kind](component, at)

    def children(self, component: Json, at: Path, least: int, most: int) -> list[Json]:
        inner = as_objects(component.get("components"))
        if not least <= len(inner) <= most:
            message = f"Must be between {least} and {most} in length."
            self.errors.add((*at, "components"), "BASE_TYPE_BAD_LENGTH", message)
        for index, child in enumerate(inner):
            self.check(child, (*at, "components", index))
        return inner

    def row(self, component: Json, at: Path) -> None:
        inner = self.children(component, at, 1, 5)
        if len(inner) > 1 and any(child.get("type") in SELECTS for child in inner):
            message = "The specified component exceeds the maximum width"
            self.errors.add((*at, "components"), "COMPONENT_LAYOUT_WIDTH_EXCEEDED", message)

    def section(self, component: Json, at: Path) -> None:
        self.children(component, at, 1, 3)
        if accessory := as_object(component.get("accessory")):
            self.check(accessory, (*at, "accessory"))
        else:
            self.errors.required(*at, "accessory")

    def container(self, component: Json, at: Path) -> None:
        self.children(component, at, 1, COMPONENTS_V2_LIMIT)

    def text_display(self, component: Json, at: Path) -> None:
        content = component.get("content")
        if not content:
            self.errors.required(*at, "content")
        else:
            self.errors.length(content, 1, TEXT_V2_LIMIT, *at, "content")
            self.text += len(str(content))

    def button(self, component: Json, at: Path) -> None:
        style = component.get("style")
        if style not in range(1, 7):
            self.errors.choice(*at, "style")
        if component.get("label") is not None:
            self.errors.length(component["label"], 0, 80, *at, "label")
        if style == LINK_STYLE:
            if not component.get("url"):
                self.errors.add((*at,), "BUTTON_COMPONENT_URL_REQUIRED", "A url is required")
        elif style != PREMIUM_STYLE:
            self.custom_id(component, at)
            if not component.get("label") and not component.get("emoji"):
                message = "A label or emoji is required"
                self.errors.add((*at,), "BUTTON_COMPONENT_INVALID_LABEL", message)

    def select(self, component: Json, at: Path) -> None:
        self.custom_id(component, at)
        if component["type"] != ComponentType.STRING_SELECT:
            return
        options = as_objects(component.get("options"))
        if not 1 <= len(options) <= 25:
            path = (*at, "options")
            self.errors.add(path, "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 25 in length.")
        for index, option in enumerate(options):
            for name in ("label", "value"):
                self.errors.length(option.get(name), 1, 100, *at, "options", index, name)

    def custom_id(self, component: Json, at: Path) -> None:
        custom_id = component.get("custom_id")
        if not custom_id:
            self.errors.required(*at, "custom_id")
            return
        self.errors.length(custom_id, 1, 100, *at, "custom_id")
        if custom_id in self.seen:
            message = "Component custom id cannot be duplicated"
            self.errors.add((*at, "custom_id"), "COMPONENT_CUSTOM_ID_DUPLICATED", message)
        self.seen.add(str(custom_id))


def check_components(components: object, v2: bool, errors: FormErrors) -> None:
    """Check a message's components, with or without the components v2 flag."""
    listed = as_objects(components)
    checker = _Checker(errors)
    for index, component in enumerate(listed):
        path: Path = ("components", index)
        allowed = {ComponentType.ACTION_ROW, *(LAYOUT_V2 if v2 else ())}
        if component.get("type") not in allowed:
            values = ", ".join(str(int(kind)) for kind in sorted(allowed))
            message = f'Value of field "type" must be one of ({values}).'
            errors.add((*path, "type"), "UNION_TYPE_CHOICES", message)
        else:
            checker.check(component, path)
    if v2 and checker.count > COMPONENTS_V2_LIMIT:
        message = f"Must be {COMPONENTS_V2_LIMIT} or fewer components in total."
        errors.add(("components",), "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", message)
    if v2 and checker.text > TEXT_V2_LIMIT:
        message = f"Must be {TEXT_V2_LIMIT} or fewer in length."
        errors.add(("components",), "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", message)
    if not v2 and len(listed) > ROWS_LIMIT:
        errors.add(("components",), "BASE_TYPE_BAD_LENGTH", f"Must be between 1 and {ROWS_LIMIT} in length.")


def with_ids(components: list[Json]) -> list[Json]:
    """Number the components that have no ``id``, as Discord does in its answer."""
    counter = count(1)

    def numbered(component: Json) -> Json:
        done = {"id": component.get("id") or next(counter)} | {
            key: value for key, value in component.items() if key != "id"
        }
        if "components" in done:
            done["components"] = [numbered(child) for child in as_objects(done["components"])]
        if "accessory" in done:
            done["accessory"] = numbered(as_object(done["accessory"]))
        if done.get("type") in SELECTS:
            done = {"min_values": 1, "max_values": 1} | done
        if done.get("type") == ComponentType.CONTAINER:
            done = {"accent_color": None, "spoiler": False} | done
        return done

    return [numbered(component) for component in components]
