"""Members of a server and what they do in it."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from . import voice
from .commanding import Commander
from .payload import Json
from .people import User
from .permissions import ALL, Overwrite, Permission, Role, in_channel, in_guild
from .pressing import Presser
from .talking import Talker

if TYPE_CHECKING:
    from .channels import Channel
    from .guilds import Guild
    from .world import World


class Member(Talker, Commander, Presser):
    """One user in one server. What it does happens at once; what follows arrives as events."""

    def __init__(self, world: World, user: User, guild: Guild, roles: list[Role], joined_at: str) -> None:
        super().__init__(world, user, guild)
        self.roles = roles
        self.joined_at = joined_at
        self.nick: str | None = None
        self.last_voice_session = secrets.token_hex(16)
        self.timed_out_until: datetime | None = None

    @property
    def voice_channel(self) -> Channel | None:
        state = self.guild.voice_states.get(self.id)
        return None if state is None else state.channel

    async def join(self, channel: Channel) -> None:
        """Join a voice channel, or move to it. Raises ``PermissionError`` where Discord lets nobody in."""
        if not voice.may_connect(self, channel):
            raise PermissionError(f"{self.name} cannot join {channel.name}")
        voice.place(self, channel, self.last_voice_session)

    async def leave(self) -> None:
        """Leave voice."""
        voice.remove(self)

    def give_role(self, role: Role) -> None:
        self.roles.append(role)
        self._updated()

    def rename(self, nick: str | None) -> None:
        self.nick = nick
        self._updated()

    def time_out(self, minutes: float) -> None:
        """A moderator's time-out: the member may only read, and is in no voice channel any more."""
        self.timed_out_until = datetime.now(UTC) + timedelta(minutes=minutes)
        self._updated()
        voice.remove(self)

    def permissions(self) -> Permission:
        """What the member may do in the server as a whole."""
        whole = ALL if self.user is self.guild.owner else in_guild(self.guild.everyone, self.roles)
        return self._while_timed_out(whole)

    def permissions_with(self, overwrites: dict[int, Overwrite]) -> Permission:
        role_ids = {role.id for role in self.roles}
        return self._while_timed_out(in_channel(self.permissions(), overwrites, self.guild.id, role_ids, self.id))

    def _while_timed_out(self, permissions: Permission) -> Permission:
        over = self.timed_out_until is None or self.timed_out_until <= datetime.now(UTC)
        if over or permissions == ALL:
            return permissions
        return permissions & (Permission.VIEW_CHANNEL | Permission.READ_MESSAGE_HISTORY)

    def _updated(self) -> None:
        self.guild.publish("GUILD_MEMBER_UPDATE", self.payload() | {"guild_id": str(self.guild.id)})

    def payload(self) -> Json:
        return {"user": self.user.payload()} | self.partial_payload()

    def partial_payload(self) -> Json:
        """The member without the user, as messages carry it."""
        state = self.guild.voice_states.get(self.id)
        # Discord says no more when a time-out is over: its end has passed then.
        silent_until = self.timed_out_until and self.timed_out_until.isoformat()
        return {
            "nick": self.nick,
            "avatar": None,
            "banner": None,
            "roles": [str(role.id) for role in self.roles],
            "joined_at": self.joined_at,
            "premium_since": None,
            "communication_disabled_until": silent_until,
            "pending": False,
            "flags": 0,
            "mute": state is not None and state.mute,
            "deaf": state is not None and state.deaf,
        }
