"""Who may do what with the music: the one place that decides."""

from __future__ import annotations

from services.errors import UserError
from services.i18n import N_


class NotAllowed(UserError):
    """The caller may not do this here and now."""


def authorise_control(caller_channel: int | None, player_channel: int | None) -> None:
    """May somebody in voice channel `caller_channel` control the player in `player_channel`? None is nowhere.

    Only members in the player's own voice channel control it.

    Raises:
        NotAllowed: nothing plays there, or the caller is not in that channel.
    """
    if player_channel is None:
        raise NotAllowed(N_("Nothing is playing here."))
    if caller_channel != player_channel:
        raise NotAllowed(N_("Only members in {channel} control the music."), channel=f"<#{player_channel}>")


def authorise_play(caller_channel: int | None, player_channel: int | None) -> None:
    """May somebody in voice channel `caller_channel` add tracks, and bring the player there if it is nowhere?

    Raises:
        NotAllowed: the caller is in no voice channel, or the music plays in another one.
    """
    if player_channel is not None:
        authorise_control(caller_channel, player_channel)
    elif caller_channel is None:
        raise NotAllowed(N_("Join a voice channel first."))
