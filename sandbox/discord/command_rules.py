"""What Discord refuses in a command (code 50035)."""

from __future__ import annotations

import re
from typing import Any

from .errors import DiscordError, FormErrors
from .fields import Path
from .payload import Json, as_object, as_objects

NAME = re.compile(r"[-_'\w\u0900-\u097f\u0e00-\u0e7f]{1,32}")
COMMANDS_LIMIT = 100
OPTIONS_LIMIT = 25
CHARACTERS_LIMIT = 8000
OPTION_TYPES = range(1, 12)
AUTOCOMPLETE_TYPES = (3, 4, 10)


def check_count(commands: list[Json]) -> None:
    if len([c for c in commands if c.get("type", 1) == 1]) > COMMANDS_LIMIT:
        message = f"Maximum number of application commands reached ({COMMANDS_LIMIT})"
        raise DiscordError(400, 30032, message)


def check_command(command: Json, *prefix: str | int) -> None:
    errors = FormErrors(*prefix)
    if command.get("type", 1) == 1:
        _check_texts(command, (), errors)
        _check_options(as_objects(command.get("options")), (), errors)
        if _characters(command) > CHARACTERS_LIMIT:
            message = f"Command exceeds maximum size ({CHARACTERS_LIMIT})"
            errors.add((), "APPLICATION_COMMAND_TOO_LARGE", message)
    else:
        errors.length(command.get("name"), 1, 32, "name")
    errors.raise_any()


def _check_texts(item: Json, at: Path, errors: FormErrors) -> None:
    names: list[tuple[Path, Any]] = [((*at, "name"), item.get("name"))]
    names += [
        ((*at, "name_localizations", locale), name)
        for locale, name in as_object(item.get("name_localizations")).items()
    ]
    for path, name in names:
        if name is None:
            errors.required(*path)
        elif not isinstance(name, str) or not NAME.fullmatch(name) or name != name.lower():
            errors.add(path, "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
    if not item.get("description"):
        errors.required(*at, "description")
    else:
        errors.length(item["description"], 1, 100, *at, "description")
    for locale, text in as_object(item.get("description_localizations")).items():
        errors.length(text, 1, 100, *at, "description_localizations", locale)


def _check_options(options: list[Json], at: Path, errors: FormErrors) -> None:
    if len(options) > OPTIONS_LIMIT:
        errors.add((*at, "options"), "BASE_TYPE_MAX_LENGTH", f"Must be {OPTIONS_LIMIT} or fewer in length.")
    optional_seen = False
    names: set[Any] = set()
    for index, option in enumerate(options):
        path = (*at, "options", index)
        _check_texts(option, path, errors)
        if option.get("type") not in OPTION_TYPES:
            errors.choice(*path, "type")
        if option.get("required") and optional_seen:
            message = "Required options must be placed before non-required options"
            errors.add(path, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", message)
        optional_seen |= not option.get("required")
        if option.get("name") in names:
            message = "Option name already exists"
            errors.add((*path, "name"), "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS", message)
        names.add(option.get("name"))
        _check_choices(option, path, errors)
        _check_options(as_objects(option.get("options")), path, errors)


def _check_choices(option: Json, at: Path, errors: FormErrors) -> None:
    choices = as_objects(option.get("choices"))
    if len(choices) > OPTIONS_LIMIT:
        errors.add((*at, "choices"), "BASE_TYPE_MAX_LENGTH", f"Must be {OPTIONS_LIMIT} or fewer in length.")
    for index, choice in enumerate(choices):
        errors.length(choice.get("name"), 1, 100, *at, "choices", index, "name")
    if option.get("autocomplete") and (choices or option.get("type") not in AUTOCOMPLETE_TYPES):
        message = "Autocomplete needs a string or number option without choices"
        errors.add((*at, "autocomplete"), "APPLICATION_COMMAND_OPTIONS_AUTOCOMPLETE_INVALID", message)


def _characters(item: Json) -> int:
    """Names, descriptions and choice values count, each with the longest of its translations."""
    total = 0
    for name in ("name", "description"):
        texts = [str(item.get(name) or ""), *map(str, as_object(item.get(f"{name}_localizations")).values())]
        total += max(map(len, texts))
    total += sum(map(_characters, as_objects(item.get("options"))))
    for choice in as_objects(item.get("choices")):
        value = choice.get("value")
        total += _characters(choice) + (len(value) if isinstance(value, str) else 0)
    return total
