"""The objects behind the ids that an interaction names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .channels import Channel
from .interaction_events import resolved_member
from .payload import Json, without
from .permissions import Role

if TYPE_CHECKING:
    from .members import Member
    from .people import User


# What the partial channels of discord.com/developers/docs/interactions/receiving-and-responding lack.
LEFT_OUT = ("permission_overwrites", "bitrate", "user_limit", "rtc_region")


def resolved(things: Sequence[Member | Channel | Role], channel: Channel, user: User) -> Json:
    """``resolved`` of an interaction of ``user`` in ``channel``; permissions are those of that place."""
    found: dict[str, Json] = {}
    for thing in things:
        key = str(thing.id)
        if isinstance(thing, Role):
            found.setdefault("roles", {})[key] = thing.payload()
        elif isinstance(thing, Channel):
            found.setdefault("channels", {})[key] = _channel(thing, user)
        else:
            found.setdefault("users", {})[key] = thing.user.payload()
            if channel.guild is not None:
                found.setdefault("members", {})[key] = without(resolved_member(thing, channel), "mute", "deaf")
    return found


def _channel(channel: Channel, user: User) -> Json:
    member = channel.guild and channel.guild.members.get(user.id)
    permissions = 0 if member is None else int(channel.permissions(member))
    return without(channel.payload(), *LEFT_OUT) | {"permissions": str(permissions)}
