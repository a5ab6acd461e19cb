"""Lavalink's tracks as the rest of the bot knows them."""

from __future__ import annotations

import wavelink

from services.live_play import Track


def for_play(track: wavelink.Playable, requester: str, *, in_place_of_another: bool = False) -> wavelink.Playable:
    """A copy of `track` asked for by `requester` (a display name): one object can be in a queue but once."""
    copy = wavelink.Playable(track.raw_data, playlist=None)
    copy.extras = {"requester": requester, "substitute": in_place_of_another}
    return copy


def is_substitute(track: wavelink.Playable) -> bool:
    """Whether it plays in place of one that its own source did not deliver."""
    return bool(dict(track.extras).get("substitute"))


def known_track(track: wavelink.Playable) -> Track:
    """What is recorded of `track`; the requester comes from its user data."""
    requester = dict(track.extras).get("requester")
    length = 0 if track.is_stream else track.length
    return Track(track.title, track.uri, length, requester if isinstance(requester, str) else "")


def identity(track: wavelink.Playable) -> tuple[str, str] | None:
    """The play's id and its guild's, from the user data; None for a track that this bot did not start."""
    extras = dict(track.extras)
    play_id, guild_id = extras.get("play_id"), extras.get("guild_id")
    return (play_id, guild_id) if isinstance(play_id, str) and isinstance(guild_id, str) else None
