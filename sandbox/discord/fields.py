"""What a field of a request's body may hold, as values that tables are made of.

Discord publishes the shape of its complaints, with a few examples, and no list of them
(discord.com/developers/docs/reference#error-messages). The codes here are those that people have met, but for
BOOLEAN_, LIST_ and STRING_TYPE_CONVERT, which are made like MODEL_TYPE_CONVERT.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, cast

from .errors import FormErrors
from .payload import Json, without

Path = tuple[str | int, ...]


class Rule(Protocol):
    def check(self, value: Any, at: Path, errors: FormErrors) -> None:
        """Say what is wrong with a value that is there; null is nobody's but its object's."""
        ...


@dataclass(frozen=True, slots=True)
class Text:
    least: int
    most: int

    def check(self, value: Any, at: Path, errors: FormErrors) -> None:
        errors.length(value, self.least, self.most, *at)


@dataclass(frozen=True, slots=True)
class Whole:
    """An integer, with both ends."""

    least: int
    most: int

    def check(self, value: Any, at: Path, errors: FormErrors) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            errors.add(at, "NUMBER_TYPE_COERCE", f'Value "{value}" is not int.')
        elif value < self.least:
            message = f"int value should be greater than or equal to {self.least}."
            errors.add(at, "NUMBER_TYPE_MIN", message)
        elif value > self.most:
            errors.add(at, "NUMBER_TYPE_MAX", f"int value should be less than or equal to {self.most}.")


@dataclass(frozen=True, slots=True)
class Choice:
    values: tuple[Any, ...]

    def check(self, value: Any, at: Path, errors: FormErrors) -> None:
        # True is 1, but not here.
        if isinstance(value, bool) or value not in self.values:
            errors.add(at, "BASE_TYPE_CHOICES", f"Value must be one of {self.values}.")


@dataclass(frozen=True, slots=True)
class Flag:
    def check(self, value: Any, at: Path, errors: FormErrors) -> None:
        if not isinstance(value, bool):
            errors.add(at, "BOOLEAN_TYPE_CONVERT", "Must be either true or false.")


@dataclass(frozen=True, slots=True)
class Snowflake:
    def check(self, value: Any, at: Path, errors: FormErrors) -> None:
        digits = isinstance(value, str) and value.isascii() and value.isdigit()
        if not digits and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
            errors.add(at, "NUMBER_TYPE_COERCE", f'Value "{value}" is not snowflake.')


@dataclass(frozen=True, slots=True)
class Nonce:
    """discord.com/developers/docs/resources/message#create-message: an integer, or up to 25 characters."""

    def check(self, value: Any, at: Path, errors: FormErrors) -> None:
        if isinstance(value, bool) or not isinstance(value, int | str):
            errors.add(at, "NONCE_TYPE_INVALID_TYPE", "This field must be a string or integer.")
        elif isinstance(value, str) and len(value) > 25:
            errors.add(at, "NONCE_TYPE_TOO_LONG", "Must be 25 or fewer characters long.")


@dataclass(frozen=True, slots=True)
class Timestamp:
    def check(self, value: Any, at: Path, errors: FormErrors) -> None:
        try:
            datetime.fromisoformat(value)
        except (TypeError, ValueError):
            errors.add(at, "DATE_TIME_TYPE_PARSE", f"Could not parse {value}. Should be ISO8601.")


@dataclass(frozen=True, slots=True)
class Url:
    schemes: tuple[str, ...] = ("http", "https")
    most: int = 2048

    def check(self, value: Any, at: Path, errors: FormErrors) -> None:
        if not isinstance(value, str) or len(value) > self.most:
            errors.length(value, 0, self.most, *at)
            return
        scheme, separator, rest = value.partition("://")
        if not separator:
            errors.add(at, "URL_TYPE_INVALID_URL", "Not a well formed URL.")
        elif scheme.lower() not in self.schemes:
            message = f'Scheme "{scheme}" is not supported. Scheme must be one of {self.schemes}.'
            errors.add(at, "URL_TYPE_INVALID_SCHEME", message)
        elif not rest:
            errors.add(at, "URL_TYPE_INVALID_URL", "Not a well formed URL.")


@dataclass(frozen=True, slots=True)
class Listed:
    item: Rule
    least: int
    most: int
    once: bool = False
    """Whether no value may be there twice."""

    def check(self, value: Any, at: Path, errors: FormErrors) -> None:
        if not isinstance(value, list):
            errors.add(at, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
            return
        items = cast("list[Any]", value)
        errors.amount(len(items), self.least, self.most, *at)
        for index, item in enumerate(items):
            if item is None:
                errors.add((*at, index), "LIST_ITEM_VALUE_REQUIRED", "List item values are required")
            elif self.once and item in items[:index]:
                errors.add((*at, index), "SET_TYPE_ALREADY_CONTAINS_VALUE", "The set already contains this value")
            else:
                self.item.check(item, (*at, index), errors)


@dataclass(frozen=True, slots=True)
class Shape:
    """An object; whatever else it holds is nobody's business."""

    required: Mapping[str, Rule]
    optional: Mapping[str, Rule] = field(default_factory=dict[str, Rule])

    def check(self, value: Any, at: Path, errors: FormErrors) -> None:
        if not isinstance(value, dict):
            errors.add(at, "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
            return
        members = cast(Json, value)
        for name, rule in {**self.required, **self.optional}.items():
            if members.get(name) is not None:
                rule.check(members[name], (*at, name), errors)
            elif name in self.required:
                errors.required(*at, name)


@dataclass(frozen=True, slots=True)
class Tagged:
    """One of several objects; which one is said by its ``type``."""

    shapes: Mapping[int, Shape]

    def check(self, value: Any, at: Path, errors: FormErrors) -> None:
        if not isinstance(value, dict):
            errors.add(at, "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
            return
        tagged = cast(Json, value)
        kind = tagged.get("type")
        if kind is None:
            errors.add(at, "TAG_FIELD_MISSING", 'Field "type" is required to determine the model type.')
        elif not isinstance(kind, int) or isinstance(kind, bool) or kind not in self.shapes:
            kinds = tuple(int(known) for known in sorted(self.shapes))
            errors.add(at, "UNION_TYPE_CHOICES", f'Value of field "type" must be one of {kinds}.')
        else:
            self.shapes[kind].check(without(tagged, "type"), at, errors)
