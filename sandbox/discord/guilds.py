"""Servers (discord.com/developers/docs/resources/guild)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import voice
from .channels import Channel, ChannelType
from .intents import Intent
from .members import Member
from .payload import Json, without
from .people import User
from .permissions import EVERYONE, NONE, Permission, Role
from .snowflake import iso_now

if TYPE_CHECKING:
    from .voice import VoiceServer, VoiceState
    from .world import World


class Guild:
    """A server with the bot in it, its channels, roles and members."""

    def __init__(self, world: World, name: str, locale: str) -> None:
        self.world = world
        self.id = world.ids.new_guild()
        self.name = name
        self.locale = locale
        self.available = True
        self.has_bot = True
        self.voice_region = "rotterdam"
        self.channels: list[Channel] = []
        self.threads: list[Channel] = []
        self.members: dict[int, Member] = {}
        self.voice_states: dict[int, VoiceState] = {}
        self.voice_server: VoiceServer | None = None
        self.everyone = Role(self.id, "@everyone", EVERYONE)
        self.roles: dict[int, Role] = {self.id: self.everyone}
        self.bot_role = self._new_role(world.bot.name, EVERYONE, bot_id=world.bot.id)
        self.owner = User(world.ids.new(), f"{name}'s owner", locale)
        world.users[self.owner.id] = self.owner
        self.me = self._new_member(world.bot, [self.bot_role])
        self._new_member(self.owner, [])

    def add_text_channel(self, name: str) -> Channel:
        return self._add_channel(ChannelType.TEXT, name)

    def add_voice_channel(self, name: str, *, user_limit: int = 0) -> Channel:
        return self._add_channel(ChannelType.VOICE, name, user_limit)

    def add_stage_channel(self, name: str) -> Channel:
        return self._add_channel(ChannelType.STAGE, name)

    def add_thread(self, parent: Channel, name: str) -> Channel:
        thread = Channel(self.world, ChannelType.PUBLIC_THREAD, name, guild=self, parent=parent)
        self.threads.append(thread)
        thread.publish("THREAD_CREATE", thread.payload() | {"newly_created": True})
        return thread

    def add_role(self, name: str, permissions: Permission = NONE) -> Role:
        role = self._new_role(name, permissions)
        self.publish("GUILD_ROLE_CREATE", {"guild_id": str(self.id), "role": role.payload()})
        return role

    def set_role_permissions(self, role: Role, permissions: Permission) -> None:
        role.permissions = permissions
        self.publish("GUILD_ROLE_UPDATE", {"guild_id": str(self.id), "role": role.payload()})

    def remove_role(self, role: Role) -> None:
        """Delete a role; whoever has it loses it without a word."""
        del self.roles[role.id]
        for member in self.members.values():
            member.roles = [kept for kept in member.roles if kept is not role]
        self.publish("GUILD_ROLE_DELETE", {"guild_id": str(self.id), "role_id": str(role.id)})

    def add_member(self, who: str | User, *, locale: str = "en-US", admin: bool = False) -> Member:
        """Let someone join, by a new account of this name or one that is there already."""
        user = self.world.add_user(who, locale=locale) if isinstance(who, str) else who
        roles = [self._admin_role()] if admin else []
        member = self._new_member(user, roles)
        self.publish("GUILD_MEMBER_ADD", member.payload() | {"guild_id": str(self.id)})
        return member

    def remove_member(self, member: Member) -> None:
        """Kick a member, or see one leave."""
        voice.remove(member)
        del self.members[member.id]
        self.publish("GUILD_MEMBER_REMOVE", {"guild_id": str(self.id), "user": member.user.payload()})

    def remove_bot(self) -> None:
        """Take the bot out of this server: GUILD_DELETE without ``unavailable``."""
        self.voice_states.pop(self.me.id, None)
        self.voice_server = None
        self.publish("GUILD_DELETE", {"id": str(self.id)})
        self.has_bot = False
        self.world.changes.notify()

    def invite_bot(self) -> None:
        """Let the bot join again: GUILD_CREATE."""
        self.has_bot = True
        self.announce(joined=True)

    def outage(self) -> None:
        """The server becomes unavailable: GUILD_DELETE with ``unavailable``."""
        self.publish("GUILD_DELETE", {"id": str(self.id), "unavailable": True})
        self.available = False

    def recover(self) -> None:
        """The end of an outage: GUILD_CREATE."""
        self.available = True
        self.announce()

    def change_locale(self, locale: str) -> None:
        """Change the server's primary language: GUILD_UPDATE."""
        self.locale = locale
        self.publish("GUILD_UPDATE", self.payload())

    def find_member(self, name: str) -> Member | None:
        return next((m for m in self.members.values() if m.name == name), None)

    def publish(self, event: str, data: Json) -> None:
        """Send an event of this server to the bot, if it is in it and the server is reachable."""
        if self.has_bot and self.available:
            self.world.sessions.publish(event, data, self.id)
        self.world.changes.notify()

    def announce(self, *, joined: bool = False) -> None:
        """GUILD_CREATE; of a server that was just joined it does not say ``unavailable``."""
        if not (self.has_bot and self.available):
            return
        for session in self.world.sessions.of_guild(self.id):
            payload = self.create_payload(session.intents)
            if joined:
                del payload["unavailable"]
            session.dispatch("GUILD_CREATE", payload, self.id)

    def _add_channel(self, type: ChannelType, name: str, user_limit: int = 0) -> Channel:
        channel = Channel(self.world, type, name, guild=self)
        channel.user_limit = user_limit
        self.channels.append(channel)
        self.publish("CHANNEL_CREATE", channel.payload())
        return channel

    def _new_role(self, name: str, permissions: Permission, bot_id: int | None = None) -> Role:
        role = Role(self.world.ids.new(), name, permissions, len(self.roles), bot_id)
        self.roles[role.id] = role
        return role

    def _admin_role(self) -> Role:
        for role in self.roles.values():
            if role.permissions & Permission.ADMINISTRATOR and role.bot_id is None:
                return role
        return self.add_role("admin", Permission.ADMINISTRATOR)

    def _new_member(self, user: User, roles: list[Role]) -> Member:
        member = Member(self.world, user, self, roles, iso_now())
        self.members[user.id] = member
        return member

    def _is_told_of(self, thread: Channel) -> bool:
        """Whether the bot is told of a thread at once: it is active, and the bot may see it."""
        assert thread.thread is not None
        return not thread.thread.archived and bool(thread.bot_permissions() & Permission.VIEW_CHANNEL)

    def payload(self) -> Json:
        """The guild as REST answers it."""
        return GUILD_DEFAULTS | {
            "id": str(self.id),
            "name": self.name,
            "owner_id": str(self.owner.id),
            "preferred_locale": self.locale,
            "roles": [role.payload() for role in self.roles.values()],
        }

    def create_payload(self, intents: Intent) -> Json:
        """GUILD_CREATE: members are the bot and those in voice, as without the presence intent."""
        present = [self.me, *(self.members[i] for i in self.voice_states if i != self.me.id)]
        states = self.voice_states.items() if intents & Intent.GUILD_VOICE_STATES else ()
        voice_states = [
            without(voice.state_payload(self.members[user_id], state), "guild_id", "member")
            for user_id, state in states
        ]
        return self.payload() | {
            "joined_at": self.me.joined_at,
            "large": False,
            "unavailable": False,
            "member_count": len(self.members),
            "voice_states": [without(state, "guild_id", "member") for state in voice_states],
            "members": [member.payload() for member in present],
            "channels": [without(channel.payload(), "guild_id") for channel in self.channels],
            "threads": [thread.payload() for thread in self.threads if self._is_told_of(thread)],
            "presences": [],
            "stage_instances": [],
            "guild_scheduled_events": [],
            "soundboard_sounds": [],
        }


GUILD_DEFAULTS: Json = {
    "icon": None,
    "description": None,
    "home_header": None,
    "splash": None,
    "discovery_splash": None,
    "features": [],
    "banner": None,
    "application_id": None,
    "region": "rotterdam",
    "afk_channel_id": None,
    "afk_timeout": 300,
    "system_channel_id": None,
    "system_channel_flags": 0,
    "widget_enabled": False,
    "widget_channel_id": None,
    "verification_level": 0,
    "default_message_notifications": 0,
    "mfa_level": 0,
    "explicit_content_filter": 0,
    "max_presences": None,
    "max_members": 500000,
    "max_stage_video_channel_users": 50,
    "max_video_channel_users": 25,
    "vanity_url_code": None,
    "premium_tier": 0,
    "premium_subscription_count": 0,
    "rules_channel_id": None,
    "safety_alerts_channel_id": None,
    "public_updates_channel_id": None,
    "premium_progress_bar_enabled": False,
    "nsfw": False,
    "nsfw_level": 0,
    "emojis": [],
    "stickers": [],
    "incidents_data": None,
}
