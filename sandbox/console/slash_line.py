"""From a line such as `/seek 1:23` or `/settings language name:ja` to a command and its options."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.discord.payload import Json, as_objects

SUBCOMMAND_TYPES = (1, 2)


@dataclass(frozen=True, slots=True)
class SlashLine:
    """A command's whole name (`queue show`), its registered options, and what was typed for them."""

    command: str
    known: Sequence[Json]
    rest: str

    def options(self) -> dict[str, str]:
        """Values by option: `name:value` pairs, or the whole rest for the first option.

        A word before a colon is a name only where it is one of the command's options: times and URLs pass.
        """
        if not self.rest:
            return {}
        names = [option["name"] for option in self.known]
        if not names:
            raise ValueError(f"/{self.command} takes no options")
        parts = re.split(rf"(?:^|(?<=\s))({'|'.join(map(re.escape, names))}):", self.rest)
        if parts[0].strip():
            return {names[0]: self.rest}
        return {name: value.strip() for name, value in zip(parts[1::2], parts[2::2], strict=True)}


def read(line: str, commands: Sequence[Json]) -> SlashLine:
    """Take `line` (with its slash) apart by the registered `commands`; Discord refuses unknown names."""
    name, _, rest = line.removeprefix("/").partition(" ")
    path = [name]
    inner: Sequence[Json] = _options_of(name, commands)
    while any(option["type"] in SUBCOMMAND_TYPES for option in inner):
        word, _, after = rest.lstrip().partition(" ")
        if not any(option["name"] == word for option in inner):
            break
        path.append(word)
        inner, rest = _options_of(word, inner), after
    return SlashLine(" ".join(path), [one for one in inner if one["type"] not in SUBCOMMAND_TYPES], rest.strip())


def inner_options(command: str, commands: Sequence[Json]) -> Sequence[Json]:
    """The registered options of `queue show`, subcommands among them; [] for an unknown one."""
    inner: Sequence[Json] = commands
    for name in command.split():
        inner = _options_of(name, inner)
    return inner


def _options_of(name: str, parts: Sequence[Json]) -> Sequence[Json]:
    found = next((part for part in parts if part["name"] == name), None)
    return as_objects(found.get("options")) if found else []
