"""JSON values as Lavalink's reader takes them: numbers may be quoted, nothing else is coerced.

Every function raises BadRequest, whose body tells no more than "Bad Request".
"""

from typing import cast

from sandbox.lavalink.errors import BadRequest


def json_object(value: object) -> dict[str, object]:
    """`value` as an object."""
    if not isinstance(value, dict):
        raise BadRequest
    return cast("dict[str, object]", value)


def json_list(value: object) -> list[object]:
    """`value` as an array."""
    if not isinstance(value, list):
        raise BadRequest
    return cast("list[object]", value)


def json_string(value: object) -> str:
    """`value` as a string."""
    if not isinstance(value, str):
        raise BadRequest
    return value


def json_boolean(value: object) -> bool:
    """`value` as a boolean; 1 and "true" are not."""
    if not isinstance(value, bool):
        raise BadRequest
    return value


def json_integer(value: object, *, bits: int) -> int:
    """`value` as a signed integer of that many bits; "50" is one, 50.5 is not."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise BadRequest
    try:
        number = int(value)
    except ValueError as error:
        raise BadRequest from error
    if not -(1 << bits - 1) <= number < 1 << bits - 1:
        raise BadRequest
    return number


def json_float(value: object) -> float:
    """`value` as a number; "0.5" is one."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise BadRequest
    try:
        return float(value)
    except ValueError as error:
        raise BadRequest from error
