"""Users (discord.com/developers/docs/resources/user)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .payload import Json

if TYPE_CHECKING:
    from .channels import Channel
    from .guilds import Guild
    from .world import World


@dataclass(eq=False, slots=True)
class User:
    """An account, in any number of servers; ``locale`` is its client's language."""

    id: int
    name: str
    locale: str = "en-US"
    bot: bool = False
    accepts_dms: bool = True

    @property
    def mention(self) -> str:
        return f"<@{self.id}>"

    def payload(self) -> Json:
        data: Json = {
            "id": str(self.id),
            "username": self.name,
            "discriminator": "0",
            "global_name": None if self.bot else self.name,
            "avatar": None,
            "banner": None,
            "accent_color": None,
            "avatar_decoration_data": None,
            "collectibles": None,
            "primary_guild": None,
            "public_flags": 0,
            "flags": 0,
        }
        if self.bot:
            data["bot"] = True
        return data

    def own_payload(self) -> Json:
        """What the account itself sees of itself (``/users/@me``)."""
        return self.payload() | {
            "locale": self.locale,
            "mfa_enabled": True,
            "verified": True,
            "email": None,
            "premium_type": 0,
        }


class Person:
    """Someone who acts: a user, seen from one server."""

    def __init__(self, world: World, user: User, guild: Guild) -> None:
        self.world = world
        self.user = user
        self.guild = guild

    @property
    def id(self) -> int:
        return self.user.id

    @property
    def name(self) -> str:
        return self.user.name

    @property
    def dm_channel(self) -> Channel:
        """The direct messages with the bot."""
        return self.world.dm_channel(self.user)
