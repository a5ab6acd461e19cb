"""Numbers as they are typed."""

from __future__ import annotations

import math


def number(text: str, what: str, *, least: float = 0) -> float:
    """The number that `text` is. Raises ValueError in words for whoever typed it."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not least <= value < math.inf:
        raise ValueError(f"{what} is a number of at least {least:g}, not {text!r}")
    return value


def whole(text: str, what: str, *, least: int = 0) -> int:
    """The whole number that `text` is. Raises ValueError in words for whoever typed it."""
    if not (text.isascii() and text.isdecimal()) or int(text) < least:
        raise ValueError(f"{what} is a whole number of at least {least}, not {text!r}")
    return int(text)
