"""What Discord refuses in components beyond their fields: how they stand to each other.

discord.com/developers/docs/components/reference. These rules see only components whose fields are right.
Where a rule is documented and its code is not, the code is a general one (BASE_TYPE_…, NUMBER_TYPE_…, SET_TYPE_…).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .component_fields import COMPONENTS_V2_LIMIT, SELECTS, TEXT_V2_LIMIT
from .component_types import LINK_STYLE, PREMIUM_STYLE, ComponentType
from .errors import FormErrors
from .fields import Path, Whole
from .payload import Json, as_objects

ROW_WIDTH = 5
FULL_WIDTH = SELECTS | {ComponentType.TEXT_INPUT}

Placed = tuple[Path, Json]


def placed(components: list[Json], at: Path = ("components",)) -> Iterator[Placed]:
    """Every component with its place, those within others too."""
    for index, component in enumerate(components):
        yield from _within(component, (*at, index))


def _within(component: Json, at: Path) -> Iterator[Placed]:
    yield at, component
    yield from placed(as_objects(component.get("components")), (*at, "components"))
    for name in ("accessory", "component"):
        if inner := component.get(name):
            yield from _within(inner, (*at, name))


def media(components: list[Json]) -> Iterator[tuple[Path, str]]:
    """Every URL of a file that components show, with its place."""
    for at, component in placed(components):
        for name in ("media", "file"):
            if name in component:
                yield (*at, name, "url"), component[name]["url"]
        for index, item in enumerate(as_objects(component.get("items"))):
            yield (*at, "items", index, "media", "url"), item["media"]["url"]


def check_components(components: list[Json], errors: FormErrors, *, modal: bool = False) -> None:
    """Check the components of a message or a modal against each other."""
    _check_unique(components, errors)
    for at, component in placed(components):
        kind = component["type"]
        if kind == ComponentType.ACTION_ROW:
            _check_width(component, at, errors)
        elif kind == ComponentType.BUTTON:
            _check_button(component, at, errors)
        elif kind in SELECTS:
            _check_select(component, at, errors)
        if modal and kind in SELECTS:
            _check_modal_select(component, at, errors)


def check_layout(components: list[Json], errors: FormErrors) -> None:
    """Check what a message with IS_COMPONENTS_V2 may show in all."""
    every = [component for _, component in placed(components)]
    if len(every) > COMPONENTS_V2_LIMIT:
        message = f"Must be {COMPONENTS_V2_LIMIT} or fewer components in total."
        errors.add(("components",), "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", message)
    texts = [part["content"] for part in every if part["type"] == ComponentType.TEXT_DISPLAY]
    if sum(map(len, texts)) > TEXT_V2_LIMIT:
        message = f"Must be {TEXT_V2_LIMIT} or fewer in length."
        errors.add(("components",), "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", message)


def _check_unique(components: list[Json], errors: FormErrors) -> None:
    names: set[str] = set()
    ids: set[int] = set()
    for at, component in placed(components):
        if (name := component.get("custom_id")) in names:
            message = "Component custom id cannot be duplicated"
            errors.add((*at, "custom_id"), "COMPONENT_CUSTOM_ID_DUPLICATED", message)
        elif name is not None:
            names.add(name)
        # 0 stands for none.
        if (number := component.get("id") or 0) in ids:
            errors.add((*at, "id"), "SET_TYPE_ALREADY_CONTAINS_VALUE", "The set already contains this value")
        elif number:
            ids.add(number)


def _check_width(row: Json, at: Path, errors: FormErrors) -> None:
    width = 0
    for index, child in enumerate(row["components"]):
        width += ROW_WIDTH if child["type"] in FULL_WIDTH else 1
        if width > ROW_WIDTH:
            message = "The specified component exceeds the maximum width"
            errors.add((*at, "components", index), "COMPONENT_LAYOUT_WIDTH_EXCEEDED", message)


def _check_button(button: Json, at: Path, errors: FormErrors) -> None:
    """Each style has the one field that it needs; the others' are not for it (#button-button-structure)."""
    style = button["style"]
    if style == PREMIUM_STYLE:
        if button.get("sku_id") is None:
            errors.required(*at, "sku_id")
        _check_absent(button, at, errors, "custom_id", "label", "url", "emoji")
        return
    _check_absent(button, at, errors, "sku_id")
    if button.get("url") is not None and (style != LINK_STYLE or button.get("custom_id") is not None):
        message = "A custom id and url cannot both be specified"
        for name in ("custom_id", "url"):
            errors.add((*at, name), "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE", message)
    elif style == LINK_STYLE and button.get("url") is None:
        errors.add((*at, "url"), "BUTTON_COMPONENT_URL_REQUIRED", "A url is required")
    elif style != LINK_STYLE and button.get("custom_id") is None:
        errors.add((*at, "custom_id"), "BUTTON_COMPONENT_CUSTOM_ID_REQUIRED", "A custom id is required")
    if not button.get("label") and not button.get("emoji"):
        errors.add(at, "BUTTON_COMPONENT_INVALID_LABEL", "A label or emoji is required")


def _check_absent(component: Json, at: Path, errors: FormErrors, *names: str) -> None:
    for name in names:
        if component.get(name) is not None:
            errors.add((*at, name), "BASE_TYPE_CHOICES", "Value must be one of (None,).")


def _check_select(select: Json, at: Path, errors: FormErrors) -> None:
    least, most = _bounds(select)
    if least > most:
        # github.com/discord/discord-api-docs/issues/3202
        message = f"min_values value should be less than or equal to {most}."
        errors.add((*at, "min_values"), "NUMBER_TYPE_MAX", message)
    if select["type"] == ComponentType.STRING_SELECT:
        _check_options(select["options"], most, (*at, "options"), errors)
    elif defaults := select.get("default_values"):
        _check_defaults(len(as_objects(defaults)), least, most, (*at, "default_values"), errors)


def _bounds(select: Json) -> tuple[int, int]:
    least, most = (select.get(name) for name in ("min_values", "max_values"))
    return (1 if least is None else least), (1 if most is None else most)


def _check_options(options: list[Json], most: int, at: Path, errors: FormErrors) -> None:
    if len(options) < most:
        # github.com/Rapptz/discord.py/issues/6984
        errors.add(at, "BASE_TYPE_MIN_LENGTH", f"Must be {most} or more in length.")
    values: set[Any] = set()
    for index, option in enumerate(options):
        if option["value"] in values:
            message = "The specified option value is already used"
            errors.add((*at, index), "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", message)
        values.add(option["value"])
    _check_defaults(sum(bool(option.get("default")) for option in options), 0, most, at, errors)


def _check_defaults(defaults: int, least: int, most: int, at: Path, errors: FormErrors) -> None:
    if defaults > most:
        message = "The specified number of default values exceeds the specified maximum values"
        errors.add(at, "SELECT_COMPONENT_TOO_MANY_DEFAULT_VALUES", message)
    elif defaults < least:
        errors.add(at, "BASE_TYPE_MIN_LENGTH", f"Must be {least} or more in length.")


def _check_modal_select(select: Json, at: Path, errors: FormErrors) -> None:
    """The notes below #string-select-string-select-structure."""
    if select.get("disabled"):
        errors.add((*at, "disabled"), "BASE_TYPE_CHOICES", "Value must be one of (False,).")
    if select.get("required") is not False:
        Whole(1, 25).check(_bounds(select)[0], (*at, "min_values"), errors)
