"""Whatever Discord, Lavalink and Gemini say can be stored, in both stores."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.recorder import LOG_CHARACTERS, TEXT_CHARACTERS, storable
from services.rows import Stat, State
from services.store.clock import LIMIT, RevisionClock
from tests.samples import entry, new_id, now, play


@pytest.mark.parametrize(
    ("title", "kept"),
    [
        ("plain", "plain"),
        ("朝の光 🎵", "朝の光 🎵"),
        ("lone \ud83d surrogate", "lone \ufffd surrogate"),
        ("joined \ud83c\udfb5 pair", "joined 🎵 pair"),
        ("nul \0 byte", "nul \ufffd byte"),
        ("line\nbreak", "line\nbreak"),
    ],
)
def test_titles_are_storable(title: str, kept: str) -> None:
    assert storable(play(track_title=title)).track_title == kept


def test_a_title_of_ten_kilobytes_is_cut_and_says_so() -> None:
    title = storable(play(track_title="あ" * 10_240)).track_title
    assert len(title) == TEXT_CHARACTERS
    assert title.endswith("…")
    assert len(storable(entry("x" * 100_000)).message) == LOG_CHARACTERS


def test_a_row_that_is_storable_is_not_copied() -> None:
    row = play()
    assert storable(row) is row


def test_numbers_that_no_store_takes_are_bounded() -> None:
    stat = Stat(new_id(), now(), float("nan"), float("inf"), 1.0, None, 5)
    assert storable(stat) == replace(stat, cpu_usage=0.0, ram_rss=0.0)
    assert storable(play(duration_ms=2**63 - 1)).duration_ms == LIMIT


def test_documents_are_storable_in_their_depth() -> None:
    assert storable(State("k", {"a": ["\ud800", {"b\0": float("nan")}]})).value == {"a": ["\ufffd", {"b\ufffd": 0.0}]}


def test_a_clock_that_jumps_back_or_far_away_is_not_followed() -> None:
    times = iter([1_800_000_000_000_000, 1_700_000_000_000_000, 9_000_000_000_000_000, 0, 1_800_000_000_000_100])
    clock = RevisionClock(0, lambda: next(times))
    revisions = [clock.next() for _ in range(5)]
    assert revisions == [
        1_800_000_000_000_000,
        1_800_000_000_000_001,
        1_800_000_000_000_002,
        1_800_000_000_000_003,
        1_800_000_000_000_100,
    ]


def test_a_revision_at_the_limit_does_not_poison_the_clock() -> None:
    clock = RevisionClock(5, lambda: 0)
    clock.lift(LIMIT)
    assert clock.next() == 6
