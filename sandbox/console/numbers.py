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
