"""Who may control the music."""

from __future__ import annotations

import pytest

from services.authority import NotAllowed, authorise_control, authorise_play


def test_a_member_in_the_players_channel_controls_it() -> None:
    authorise_control(5, 5)


@pytest.mark.parametrize("elsewhere", [None, 6])
def test_nobody_else_does(elsewhere: int | None) -> None:
    with pytest.raises(NotAllowed) as refusal:
        authorise_control(elsewhere, 5)
    assert refusal.value.text("en") == "Only members in <#5> control the music."


@pytest.mark.parametrize("somewhere", [None, 5])
def test_without_a_player_there_is_nothing_to_control(somewhere: int | None) -> None:
    with pytest.raises(NotAllowed, match="Nothing is playing"):
        authorise_control(somewhere, None)


def test_who_plays_first_brings_the_player_along() -> None:
    authorise_play(5, None)
    authorise_play(5, 5)


def test_who_is_in_no_channel_or_another_one_plays_nothing() -> None:
    with pytest.raises(NotAllowed, match="Join a voice channel"):
        authorise_play(None, None)
    with pytest.raises(NotAllowed, match="control the music"):
        authorise_play(6, 5)
