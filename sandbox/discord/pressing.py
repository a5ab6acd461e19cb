"""What a person presses, chooses and fills in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from .component_fields import SELECTS, TEXT_INPUT_LIMIT
from .component_types import LINK_STYLE, ComponentType
from .interaction_events import send
from .interactions import Interaction, InteractionType
from .messages import Message, walk
from .payload import Json
from .people import Person
from .resolved import resolved

if TYPE_CHECKING:
    from .channels import Channel
    from .members import Member
    from .permissions import Role

FORM_INPUTS = SELECTS | {ComponentType.TEXT_INPUT}


class Presser(Person):
    async def click(self, message: Message, button: str, *, locale: str | None = None) -> Interaction:
        """Press a button, named by custom id or label. Raises ``ValueError`` where nobody could."""
        found = _find(message, button, {ComponentType.BUTTON})
        if found.get("style") == LINK_STYLE:
            raise ValueError(f"{button} is a link")
        data = {"component_type": int(ComponentType.BUTTON)} | _named(found)
        return self._press(message, data, found, locale)

    async def select(
        self,
        message: Message,
        menu: str,
        values: Sequence[str | Member | Channel | Role],
        *,
        locale: str | None = None,
    ) -> Interaction:
        """Choose from a menu, named by its custom id or placeholder; string options by value or label."""
        found = _find(message, menu, SELECTS)
        least, most = found.get("min_values", 1), found.get("max_values", 1)
        if not least <= len(values) <= most:
            raise ValueError(f"{menu} takes {least} to {most} values")
        data = {"component_type": found["type"]} | _named(found)
        if found["type"] == ComponentType.STRING_SELECT:
            data["values"] = [_option(found, str(value)) for value in values]
        else:
            things = [value for value in values if not isinstance(value, str)]
            data["values"] = [str(thing.id) for thing in things]
            data["resolved"] = resolved(things, message.channel, self.user)
        return self._press(message, data, found, locale)

    async def submit(self, use: Interaction, fields: Mapping[str, str]) -> Interaction:
        """Send the form that an interaction opened, its fields named by custom id or label.

        Raises ``ValueError`` where nobody could, and for files, boxes and radio buttons, which are not known here.
        """
        if use.modal is None:
            raise ValueError("no form was opened")
        left = dict(fields)
        components = [_filled(component, left) for component in use.modal["components"]]
        if left:
            raise ValueError(f"the form has no {', '.join(left)}")
        data: Json = {"custom_id": use.modal["custom_id"], "components": components, "resolved": {}}
        submitted = Interaction(
            self,
            use.channel,
            InteractionType.MODAL_SUBMIT,
            data,
            locale=use.locale,
            source=use.source,
            cause=use,
        )
        return send(submitted)

    def _press(self, message: Message, data: Json, found: Json, locale: str | None) -> Interaction:
        if found.get("disabled"):
            raise ValueError(f"{found.get('label') or found['custom_id']} is disabled")
        reader = message.interaction.person.user if message.interaction else None
        if message.deleted or (message.ephemeral and reader is not self.user):
            raise ValueError(f"{self.name} does not see that message")
        name = str(found.get("label") or found["custom_id"])
        kind = InteractionType.COMPONENT
        return send(Interaction(self, message.channel, kind, data, name=name, locale=locale, source=message))


def _named(component: Json) -> Json:
    return {"custom_id": component["custom_id"], "id": component["id"]}


def _find(message: Message, name: str, kinds: set[ComponentType] | set[int]) -> Json:
    candidates = [part for part in walk(message.components) if part["type"] in kinds]
    for key in ("custom_id", "label", "placeholder"):
        for part in candidates:
            if part.get(key) == name:
                return part
    for part in candidates:
        if name.casefold() in (str(part.get("label", "")).casefold(), part.get("emoji", {}).get("name")):
            return part
    there = ", ".join(str(part.get("label") or part.get("custom_id")) for part in candidates) or "nothing"
    raise ValueError(f"the message has no {name}, but {there}")


def _option(menu: Json, value: str) -> str:
    for option in menu["options"]:
        if value in (option["value"], option["label"]):
            return option["value"]
    raise ValueError(f"{value} is not in the menu")


def _filled(component: Json, fields: dict[str, str]) -> Json:
    """A form's component with what was filled in; takes it out of ``fields``."""
    filled: Json = {"type": component["type"], "id": component["id"]}
    if component["type"] == ComponentType.LABEL:
        inner = component["component"]
        return filled | {"component": _filled({"label": component.get("label")} | inner, fields)}
    if component["type"] == ComponentType.ACTION_ROW:
        return filled | {"components": [_filled(inner, fields) for inner in component["components"]]}
    if component["type"] == ComponentType.TEXT_DISPLAY:
        return filled
    if component["type"] not in FORM_INPUTS:
        raise ValueError(f"{component.get('label') or component['custom_id']} cannot be filled in here")
    value = fields.pop(component["custom_id"], None)
    if value is None:
        value = fields.pop(str(component.get("label")), component.get("value", ""))
    if not value and component.get("required", True):
        raise ValueError(f"{component.get('label') or component['custom_id']} must be filled in")
    least, most = component.get("min_length", 0), component.get("max_length", TEXT_INPUT_LIMIT)
    if value and not least <= len(value) <= most:
        raise ValueError(f"{component.get('label') or component['custom_id']} takes {least} to {most} characters")
    answer = {"value": value} if component["type"] == ComponentType.TEXT_INPUT else {"values": [value]}
    return filled | {"custom_id": component["custom_id"]} | answer
