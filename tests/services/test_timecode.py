"""Places in a track, read and written."""

from __future__ import annotations

import pytest

from services.errors import UserError
from services.timecode import place_meant, timecode

HOUR = 3_600_000


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("1:23", 83_000),
        ("83", 83_000),
        (" 83 ", 83_000),
        ("0", 0),
        ("1:02:03", 3_723_000),
        ("+10", 70_000),
        ("-10", 50_000),
        ("+1:00", 120_000),
        ("-5:00", 0),
        ("90:00", 5_400_000),
    ],
)
def test_a_place_is_read(text: str, place: int) -> None:
    assert place_meant(text, 60_000, 2 * HOUR) == place


@pytest.mark.parametrize(
    "text", ["", "abc", "1:2:3:4", "1:60", "1:60:00", "--1", "1.5", "-", "١٢", "1e3", "9" * 40, ":30"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="position"):
        place_meant(text, 0, HOUR)


@pytest.mark.parametrize("text", ["60:00", "3600", "+3540", "99999999"])
def test_past_the_end_is_refused_with_the_length(text: str) -> None:
    with pytest.raises(UserError) as refusal:
        place_meant(text, 60_000, HOUR)
    assert refusal.value.text("en") == "This track is only 1:00:00 long."


@pytest.mark.parametrize(("ms", "text"), [(0, "0:00"), (83_999, "1:23"), (3_723_000, "1:02:03"), (-5, "0:00")])
def test_a_place_is_written(ms: int, text: str) -> None:
    assert timecode(ms) == text
