"""Times in HTTP headers."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from time import time

LONGEST_WISH = 300.0
"""A server that asks for a longer pause is asked again after this: a slip of its must not stop us for days."""


def retry_after(header: str | None) -> float | None:
    """The seconds that a `Retry-After` asks for, at most `LONGEST_WISH`; None where it asks for nothing."""
    if not header:
        return None
    if header.isascii() and header.isdigit():
        return min(float(header), LONGEST_WISH)
    at = seconds_of(header)
    return None if at is None else min(max(0.0, at - time()), LONGEST_WISH)


def seconds_of(header: str | None) -> float | None:
    """An HTTP date in seconds since 1970."""
    try:
        return parsedate_to_datetime(header).timestamp() if header else None
    except (ValueError, OverflowError):
        return None
