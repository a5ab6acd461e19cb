"""Channels (discord.com/developers/docs/resources/channel)."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from . import voice
from .payload import Json
from .permissions import ALL, MEMBER_OVERWRITE, ROLE_OVERWRITE, Overwrite, Permission, Role, with_implicit_denials
from .snowflake import iso_of
from .threads import ThreadState, change

if TYPE_CHECKING:
    from .guilds import Guild
    from .members import Member
    from .messages import Message
    from .people import User
    from .world import World


class ChannelType(IntEnum):
    TEXT = 0
    DM = 1
    VOICE = 2
    PUBLIC_THREAD = 11
    STAGE = 13


VOICE_TYPES = (ChannelType.VOICE, ChannelType.STAGE)


class Channel:
    """A server's channel, a thread (with a parent), or a direct message (with a recipient)."""

    def __init__(
        self,
        world: World,
        type: ChannelType,
        name: str,
        *,
        guild: Guild | None = None,
        parent: Channel | None = None,
        recipient: User | None = None,
    ) -> None:
        self.world = world
        self.id = world.ids.new()
        self.type = type
        self.name = name
        self.guild = guild
        self.parent = parent
        self.recipient = recipient
        self.user_limit = 0
        # How often the bot said here that it is typing.
        self.bot_typed = 0
        self.deleted = False
        self.thread = None if parent is None else ThreadState(iso_of(self.id))
        self.overwrites: dict[int, Overwrite] = {}
        self.all_messages: dict[int, Message] = {}
        world.channels[self.id] = self

    @property
    def mention(self) -> str:
        return f"<#{self.id}>"

    @property
    def is_voice(self) -> bool:
        return self.type in VOICE_TYPES

    @property
    def sending(self) -> Permission:
        """The permission to send messages here."""
        in_thread = self.type is ChannelType.PUBLIC_THREAD
        return Permission.SEND_MESSAGES_IN_THREADS if in_thread else Permission.SEND_MESSAGES

    @property
    def messages(self) -> list[Message]:
        """What everyone in the channel sees, oldest first."""
        return [m for m in self.all_messages.values() if not (m.deleted or m.ephemeral)]

    def permissions(self, member: Member) -> Permission:
        """What a member may do here; a thread follows its parent."""
        total = member.permissions_with((self.parent or self).overwrites)
        return with_implicit_denials(total, self.sending, voice=self.is_voice)

    def bot_permissions(self) -> Permission:
        """What the bot may do here; all in a direct message."""
        return ALL if self.guild is None else self.permissions(self.guild.me)

    def may_mention_everyone(self, user: User) -> bool:
        """Whether ``@everyone`` of this author is more than text."""
        member = self.guild and self.guild.members.get(user.id)
        return member is None or bool(self.permissions(member) & Permission.MENTION_EVERYONE)

    def allow(self, target: Member | Role, permissions: Permission) -> None:
        """Allow a member or a role these permissions here, with the event that follows."""
        overwrite = self._overwrite(target)
        overwrite.allow |= permissions
        overwrite.deny &= ~permissions
        self._changed()

    def deny(self, target: Member | Role, permissions: Permission) -> None:
        """Deny a member or a role these permissions here, with the event that follows."""
        overwrite = self._overwrite(target)
        overwrite.deny |= permissions
        overwrite.allow &= ~permissions
        self._changed()

    def limit_users(self, limit: int) -> None:
        """How many may be in this voice channel; 0 for any number."""
        self.user_limit = limit
        self._changed()

    def archive(self, *, locked: bool = False) -> None:
        """Put this thread away; a locked one only a moderator takes up again."""
        change(self, archived=True, locked=locked)

    def lock(self) -> None:
        """Keep this thread active, for moderators alone."""
        change(self, archived=False, locked=True)

    def delete(self) -> None:
        """Delete the channel; whoever is in it leaves it."""
        assert self.guild is not None
        self.deleted = True
        del self.world.channels[self.id]
        self.guild.channels.remove(self)
        self.guild.publish("CHANNEL_DELETE", self.payload())
        voice.empty(self.guild, self)

    def purge(self, messages: list[Message]) -> None:
        """Delete messages all at once, as moderators' bots do: MESSAGE_DELETE_BULK."""
        assert self.guild is not None
        for message in messages:
            message.deleted = True
        ids = [str(message.id) for message in messages]
        self.publish("MESSAGE_DELETE_BULK", {"ids": ids, "channel_id": str(self.id), "guild_id": str(self.guild.id)})

    def publish(self, event: str, data: Json) -> None:
        """Send an event of this channel to the bot, if it may see the channel."""
        if self.guild is None:
            self.world.sessions.publish(event, data, None)
        elif self.bot_permissions() & Permission.VIEW_CHANNEL:
            self.guild.publish(event, data)
        self.world.changes.notify()

    def _overwrite(self, target: Member | Role) -> Overwrite:
        kind = ROLE_OVERWRITE if isinstance(target, Role) else MEMBER_OVERWRITE
        return self.overwrites.setdefault(target.id, Overwrite(target.id, kind))

    def _changed(self) -> None:
        assert self.guild is not None
        self.guild.publish("CHANNEL_UPDATE", self.payload())

    def payload(self) -> Json:
        last = next(reversed(self.all_messages), None)
        data: Json = {
            "id": str(self.id),
            "type": int(self.type),
            "flags": 0,
            "last_message_id": None if last is None else str(last),
        }
        if self.recipient is not None:
            return data | {"recipients": [self.recipient.payload()]}
        assert self.guild is not None
        data |= {"guild_id": str(self.guild.id), "name": self.name, "rate_limit_per_user": 0}
        if self.parent is not None and self.thread is not None:
            return data | self._thread_payload(self.parent, self.thread)
        data |= {
            "position": self.guild.channels.index(self) if self in self.guild.channels else 0,
            "parent_id": None,
            "nsfw": False,
            "topic": None,
            "permission_overwrites": [overwrite.payload() for overwrite in self.overwrites.values()],
        }
        if self.is_voice:
            data |= {"bitrate": 64000, "user_limit": self.user_limit, "rtc_region": None}
        return data

    def _thread_payload(self, parent: Channel, state: ThreadState) -> Json:
        return {
            "parent_id": str(parent.id),
            "owner_id": str(self.world.bot.id),
            "message_count": len(self.all_messages),
            "member_count": 1,
            "total_message_sent": len(self.all_messages),
            "thread_metadata": state.payload(self.id),
        }
