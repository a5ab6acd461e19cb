"""Permissions and how they add up (discord.com/developers/docs/topics/permissions).

In a server a member has what @everyone and its roles have; the owner and administrators have all, everywhere.
In a channel three overwrites follow on each other: that of @everyone, those of the member's roles taken together,
the member's own. Each denies first and then allows. A thread has those of its parent. Then a time-out leaves
reading alone, and what is denied takes along what means nothing without it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntFlag

from .payload import Json


class Permission(IntFlag):
    """All of them: ``~`` keeps no bit above the highest that has a name."""

    CREATE_INSTANT_INVITE = 1 << 0
    KICK_MEMBERS = 1 << 1
    BAN_MEMBERS = 1 << 2
    ADMINISTRATOR = 1 << 3
    MANAGE_CHANNELS = 1 << 4
    MANAGE_GUILD = 1 << 5
    ADD_REACTIONS = 1 << 6
    VIEW_AUDIT_LOG = 1 << 7
    PRIORITY_SPEAKER = 1 << 8
    STREAM = 1 << 9
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    SEND_TTS_MESSAGES = 1 << 12
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    MENTION_EVERYONE = 1 << 17
    USE_EXTERNAL_EMOJIS = 1 << 18
    VIEW_GUILD_INSIGHTS = 1 << 19
    CONNECT = 1 << 20
    SPEAK = 1 << 21
    MUTE_MEMBERS = 1 << 22
    DEAFEN_MEMBERS = 1 << 23
    MOVE_MEMBERS = 1 << 24
    USE_VAD = 1 << 25
    CHANGE_NICKNAME = 1 << 26
    MANAGE_NICKNAMES = 1 << 27
    MANAGE_ROLES = 1 << 28
    MANAGE_WEBHOOKS = 1 << 29
    MANAGE_GUILD_EXPRESSIONS = 1 << 30
    USE_APPLICATION_COMMANDS = 1 << 31
    REQUEST_TO_SPEAK = 1 << 32
    MANAGE_EVENTS = 1 << 33
    MANAGE_THREADS = 1 << 34
    CREATE_PUBLIC_THREADS = 1 << 35
    CREATE_PRIVATE_THREADS = 1 << 36
    USE_EXTERNAL_STICKERS = 1 << 37
    SEND_MESSAGES_IN_THREADS = 1 << 38
    USE_EMBEDDED_ACTIVITIES = 1 << 39
    MODERATE_MEMBERS = 1 << 40
    VIEW_CREATOR_MONETIZATION_ANALYTICS = 1 << 41
    USE_SOUNDBOARD = 1 << 42
    CREATE_GUILD_EXPRESSIONS = 1 << 43
    CREATE_EVENTS = 1 << 44
    USE_EXTERNAL_SOUNDS = 1 << 45
    SEND_VOICE_MESSAGES = 1 << 46
    SET_VOICE_CHANNEL_STATUS = 1 << 48
    SEND_POLLS = 1 << 49
    USE_EXTERNAL_APPS = 1 << 50
    PIN_MESSAGES = 1 << 51
    BYPASS_SLOWMODE = 1 << 52


NONE = Permission(0)
ALL = Permission(sum(Permission))
# What matters here of a fresh server's @everyone.
EVERYONE = (
    Permission.ADD_REACTIONS
    | Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.READ_MESSAGE_HISTORY
    | Permission.MENTION_EVERYONE
    | Permission.CONNECT
    | Permission.SPEAK
    | Permission.USE_VAD
    | Permission.CHANGE_NICKNAME
    | Permission.USE_APPLICATION_COMMANDS
    | Permission.REQUEST_TO_SPEAK
    | Permission.CREATE_PUBLIC_THREADS
    | Permission.SEND_MESSAGES_IN_THREADS
)

# What goes with sending messages (discord.com/developers/docs/topics/permissions#implicit-permissions).
_WITH_SENDING = (
    Permission.SEND_TTS_MESSAGES | Permission.EMBED_LINKS | Permission.ATTACH_FILES | Permission.MENTION_EVERYONE
)
ROLE_OVERWRITE = 0
MEMBER_OVERWRITE = 1


@dataclass(slots=True)
class Role:
    id: int
    name: str
    permissions: Permission
    position: int = 0
    bot_id: int | None = None

    def payload(self) -> Json:
        data: Json = {
            "id": str(self.id),
            "name": self.name,
            "permissions": str(int(self.permissions)),
            "position": self.position,
            "color": 0,
            "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
            "hoist": False,
            "managed": self.bot_id is not None,
            "mentionable": False,
            "icon": None,
            "unicode_emoji": None,
            "flags": 0,
        }
        if self.bot_id is not None:
            data["tags"] = {"bot_id": str(self.bot_id)}
        return data


@dataclass(slots=True)
class Overwrite:
    """What a channel allows and denies one role or one member."""

    id: int
    type: int
    allow: Permission = NONE
    deny: Permission = NONE

    def payload(self) -> Json:
        return {
            "id": str(self.id),
            "type": self.type,
            "allow": str(int(self.allow)),
            "deny": str(int(self.deny)),
        }


def in_guild(everyone: Role, roles: Iterable[Role]) -> Permission:
    """A member's permissions before any channel has its say."""
    total = everyone.permissions
    for role in roles:
        total |= role.permissions
    return ALL if total & Permission.ADMINISTRATOR else total


def in_channel(
    base: Permission, overwrites: dict[int, Overwrite], guild_id: int, role_ids: set[int], user_id: int
) -> Permission:
    """A member's permissions in a channel, what one denied permission takes along not yet taken."""
    if base & Permission.ADMINISTRATOR:
        return ALL
    total = base
    if everyone := overwrites.get(guild_id):
        total = (total & ~everyone.deny) | everyone.allow
    allow = deny = NONE
    for overwrite in overwrites.values():
        if overwrite.id in role_ids:
            allow |= overwrite.allow
            deny |= overwrite.deny
    total = (total & ~deny) | allow
    if own := overwrites.get(user_id):
        total = (total & ~own.deny) | own.allow
    return total


def with_implicit_denials(total: Permission, sending: Permission, *, voice: bool) -> Permission:
    """What is left of permissions in a channel where ``sending`` is the one that sends messages."""
    if not total & Permission.VIEW_CHANNEL:
        return NONE
    if voice and not total & Permission.CONNECT:
        return Permission.VIEW_CHANNEL
    return total if total & sending else total & ~_WITH_SENDING
