"""Places in a track as people write and read them."""

from __future__ import annotations

import re

from services.errors import UserError
from services.i18n import N_

_TIMECODE = re.compile(r"(?P<sign>[+-]?)(?:(?:(?P<hours>\d{1,4}):)?(?P<minutes>\d{1,6}):)?(?P<seconds>\d{1,8})")


def timecode(ms: int) -> str:
    """`ms` as `1:23` or `1:02:03`."""
    minutes, seconds = divmod(max(ms, 0) // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def place_meant(text: str, position_ms: int, duration_ms: int) -> int:
    """The place in ms that `text` (`1:23`, `83`, `+10`, `-10`, `1:02:03`) means in a track at `position_ms`.

    Before the start is the start.

    Raises:
        UserError: it is no place, or one past the end.
    """
    match = _TIMECODE.fullmatch(text.strip()) if text.isascii() else None
    if (
        match is None
        or (match["minutes"] and int(match["seconds"]) > 59)
        or (match["hours"] and int(match["minutes"]) > 59)
    ):
        raise UserError(N_("Write a position such as 1:23, 83, +10 or -10."))
    place = (int(match["hours"] or 0) * 3600 + int(match["minutes"] or 0) * 60 + int(match["seconds"])) * 1000
    if match["sign"]:
        place = position_ms + (place if match["sign"] == "+" else -place)
    if place >= duration_ms:
        raise UserError(N_("This track is only {length} long."), length=timecode(duration_ms))
    return max(place, 0)
