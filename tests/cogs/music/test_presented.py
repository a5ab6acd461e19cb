"""The music as people see it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cogs.music.presented import BAR_CELLS, bar, pages, playing_embed
from services.live_play import Playing

PLAYING = Playing("p", "A *title*", None, "Alice", 60_000, 120_000, False, False, 1.0)


@pytest.mark.parametrize(("position", "cell"), [(0, 0), (60_000, BAR_CELLS // 2), (120_000, BAR_CELLS - 1)])
def test_the_bar_shows_how_far_it_is(position: int, cell: int) -> None:
    assert bar(position, 120_000).index("🔘") == cell
    assert len(bar(position, 120_000)) == BAR_CELLS


def test_a_track_is_shown_with_its_place_and_nothing_of_its_title_is_markdown() -> None:
    text = str(playing_embed(PLAYING, 2, "en").to_dict())
    assert "1:00 / 2:00" in text
    assert "2 more in the queue" in text
    assert "A *title*" not in text


@pytest.mark.parametrize(
    ("change", "heading"),
    [({"paused": True}, "Paused"), ({"node_lost": True}, "Waiting for the music server"), ({}, "Now playing")],
)
def test_the_heading_says_how_it_is(change: dict[str, bool], heading: str) -> None:
    assert playing_embed(replace(PLAYING, **change), 0, "en").title == heading


def test_a_stream_has_no_bar() -> None:
    assert "🔘" not in str(playing_embed(replace(PLAYING, duration_ms=0), 0, "en").description)


@pytest.mark.parametrize(("tracks", "count"), [(0, 1), (10, 1), (11, 2), (25, 3)])
def test_pages_hold_ten_tracks(tracks: int, count: int) -> None:
    assert pages(tracks) == count
