"""From what a person types to what a command's interaction carries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .channels import Channel
from .payload import Json, as_objects
from .permissions import Role

if TYPE_CHECKING:
    from .guilds import Guild
    from .members import Member

SUBCOMMAND, GROUP, STRING, INTEGER, BOOLEAN, USER, CHANNEL, ROLE, MENTIONABLE, NUMBER, ATTACHMENT = range(1, 12)
CHAT_INPUT = 1
BOOLEANS = {"true": True, "yes": True, "false": False, "no": False}


@dataclass(frozen=True, slots=True)
class ChosenCommand:
    """A registered command and, for ``queue show``, the way to the part that runs."""

    command: Json
    steps: list[Json]

    @property
    def name(self) -> str:
        return " ".join(part["name"] for part in (self.command, *self.steps))

    @property
    def options(self) -> list[Json]:
        return as_objects((self.steps[-1] if self.steps else self.command).get("options"))

    def option(self, name: str) -> Json:
        """Raises ``ValueError`` naming the options that there are."""
        for option in self.options:
            if option["name"] == name:
                return option
        there = ", ".join(option["name"] for option in self.options) or "none"
        raise ValueError(f"/{self.name} has no option {name} (it has: {there})")

    def data(self, values: list[Json]) -> Json:
        """``data`` of the interaction, with the values inside the subcommands."""
        options = values
        for step in reversed(self.steps):
            options = [{"name": step["name"], "type": step["type"], "options": options}]
        data: Json = {
            "id": self.command["id"],
            "name": self.command["name"],
            "type": self.command["type"],
            "options": options,
        }
        if "guild_id" in self.command:
            data["guild_id"] = self.command["guild_id"]
        return data


def choose(commands: list[Json], path: str) -> ChosenCommand:
    """Find ``queue show``. Raises ``ValueError`` naming what there is."""
    first, *rest = path.split()
    slash = [command for command in commands if command["type"] == CHAT_INPUT]
    command = _named(slash, first, "no command is registered" if not slash else f"there is no /{first}")
    steps: list[Json] = []
    inner = as_objects(command.get("options"))
    for name in rest:
        nested = [option for option in inner if option["type"] in (SUBCOMMAND, GROUP)]
        steps.append(_named(nested, name, f"/{first} has no {name}"))
        inner = as_objects(steps[-1].get("options"))
    if any(option["type"] in (SUBCOMMAND, GROUP) for option in inner):
        there = ", ".join(option["name"] for option in inner)
        raise ValueError(f"/{path} needs a subcommand: {there}")
    return ChosenCommand(command, steps)


def _named(items: list[Json], name: str, missing: str) -> Json:
    for item in items:
        if item["name"] == name:
            return item
    there = ", ".join(item["name"] for item in items)
    raise ValueError(f"{missing} (there is: {there})" if there else missing)


@dataclass(slots=True)
class Values:
    """The values of a command's options as Discord's client sends them."""

    chosen: ChosenCommand
    guild: Guild
    options: list[Json] = field(default_factory=list[Json])
    things: list[Member | Channel | Role] = field(default_factory=list["Member | Channel | Role"])
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict[str, tuple[str, bytes]])

    def add_all(self, given: Mapping[str, Any]) -> None:
        """Convert what was given. Raises ``ValueError`` for what the client would not let through."""
        for name, value in given.items():
            option = self.chosen.option(name)
            converted = self._convert(option, value)
            self.options.append({"name": name, "type": option["type"], "value": converted})
        missing = [o["name"] for o in self.chosen.options if o.get("required") and o["name"] not in given]
        if missing:
            raise ValueError(f"/{self.chosen.name} needs {', '.join(missing)}")

    def _convert(self, option: Json, value: Any) -> Any:
        kind = option["type"]
        if kind in (STRING, INTEGER, NUMBER):
            return _within(option, _choice(option, _plain(option, value)))
        if kind == BOOLEAN:
            if isinstance(value, bool):
                return value
            if str(value).lower() not in BOOLEANS:
                raise ValueError(f"{option['name']} must be true or false")
            return BOOLEANS[str(value).lower()]
        if kind == ATTACHMENT:
            self.files[option["name"]] = value
            return option["name"]
        thing = self._find(option, value) if isinstance(value, str) else value
        self.things.append(thing)
        return str(thing.id)

    def _find(self, option: Json, text: str) -> Member | Channel | Role:
        name = text.lstrip("@#")
        found: Member | Channel | Role | None = None
        if option["type"] == CHANNEL:
            found = next((c for c in self.guild.channels if c.name == name), None)
        if option["type"] in (USER, MENTIONABLE):
            found = self.guild.me if name == "bot" else self.guild.find_member(name)
        if found is None and option["type"] in (ROLE, MENTIONABLE):
            found = next((role for role in self.guild.roles.values() if role.name == name), None)
        if found is None:
            raise ValueError(f"{option['name']}: there is no {text}")
        return found


def _plain(option: Json, value: Any) -> str | int | float:
    try:
        if option["type"] == INTEGER:
            return int(value)
        if option["type"] == NUMBER:
            return float(value)
    except ValueError:
        if not as_objects(option.get("choices")):
            raise ValueError(f"{option['name']} must be a number, not {value!r}") from None
    return str(value)


def _choice(option: Json, value: str | int | float) -> str | int | float:
    choices = as_objects(option.get("choices"))
    if not choices:
        return value
    for choice in choices:
        if value in (choice["value"], choice["name"]):
            return choice["value"]
    there = ", ".join(choice["name"] for choice in choices)
    raise ValueError(f"{option['name']} must be one of: {there}")


def _within(option: Json, value: str | int | float) -> str | int | float:
    name = option["name"]
    if isinstance(value, str):
        # Discord's client sends at most 6000 characters.
        least, most = option.get("min_length", 0), option.get("max_length", 6000)
        if not least <= len(value) <= most:
            raise ValueError(f"{name} must have {least} to {most} characters")
        return value
    least, most = option.get("min_value", -(2**53)), option.get("max_value", 2**53)
    if not least <= value <= most:
        raise ValueError(f"{name} must be from {least} to {most}")
    return value
