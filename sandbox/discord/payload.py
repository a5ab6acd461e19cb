"""What travels on Discord's wires."""

from typing import Any, TypeAlias, cast

Json: TypeAlias = dict[str, Any]


def as_object(value: Any) -> Json:
    """The value if it is a JSON object, else an empty one."""
    return cast(Json, value) if isinstance(value, dict) else {}


def without(value: Json, *names: str) -> Json:
    """The object without these members."""
    return {name: member for name, member in value.items() if name not in names}


def without_nulls(value: Any) -> Any:
    """The value without its null members, at any depth, as Discord leaves them out of what it keeps."""
    if isinstance(value, dict):
        members = cast(Json, value)
        return {key: without_nulls(member) for key, member in members.items() if member is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in cast(list[Any], value)]
    return value


def as_objects(value: Any) -> list[Json]:
    """The objects in a JSON array; whatever else it holds is left out."""
    if not isinstance(value, list):
        return []
    return [cast(Json, item) for item in cast(list[Any], value) if isinstance(item, dict)]
