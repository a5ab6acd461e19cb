"""All that Discord knows, as its REST API and its gateway both see it."""

from __future__ import annotations

from sandbox.changes import Changes

from .channels import Channel, ChannelType
from .commands import Commands
from .errors import missing_access, unknown
from .guilds import Guild
from .intents import Intent
from .interactions import Interactions
from .members import Member
from .messages import Message
from .people import User
from .permissions import Permission
from .shard_session import Sessions
from .snowflake import Snowflakes


class World:
    def __init__(self, bot_name: str, privileged_intents: Intent, interactions: Interactions) -> None:
        self.ids = Snowflakes()
        self.changes = Changes()
        self.bot = User(self.ids.new(), bot_name, bot=True)
        self.operator = User(self.ids.new(), "operator")
        self.privileged_intents = privileged_intents
        self.users: dict[int, User] = {self.bot.id: self.bot, self.operator.id: self.operator}
        self.guilds: dict[int, Guild] = {}
        self.channels: dict[int, Channel] = {}
        self._dm_channels: dict[int, Channel] = {}
        self.sessions = Sessions(self.bot.id)
        self.commands = Commands(self.ids, self.bot.id, self.changes.notify)
        self.interactions = interactions
        self.attachments: dict[int, bytes] = {}
        # Set once the port is known.
        self.cdn_url = ""
        # Where a voice server listens, if one does.
        self.voice_endpoint = ""

    def add_guild(self, name: str, locale: str) -> Guild:
        guild = Guild(self, name, locale)
        self.guilds[guild.id] = guild
        guild.invite_bot()
        return guild

    def add_user(self, name: str, *, locale: str = "en-US") -> User:
        user = User(self.ids.new(), name, locale)
        self.users[user.id] = user
        return user

    def bot_guilds(self) -> list[Guild]:
        return [guild for guild in self.guilds.values() if guild.has_bot]

    def dm_channel(self, user: User) -> Channel:
        """The channel between a user and the bot, made at first use."""
        if user.id not in self._dm_channels:
            self._dm_channels[user.id] = Channel(self, ChannelType.DM, "", recipient=user)
        return self._dm_channels[user.id]

    def in_voice(self, channel: Channel) -> list[Member]:
        """The members in a voice channel."""
        guild = channel.guild
        if guild is None:
            return []
        return [guild.members[i] for i, state in guild.voice_states.items() if state.channel is channel]

    def visible_guild(self, guild_id: int) -> Guild:
        """The bot's guild of this id. Raises 10004."""
        guild = self.guilds.get(guild_id)
        if guild is None or not guild.has_bot:
            raise unknown(10004, "Guild")
        return guild

    def visible_channel(self, channel_id: int) -> Channel:
        """The channel of this id, if the bot may see it. Raises 10003 or 50001."""
        channel = self.channels.get(channel_id)
        if channel is None:
            raise unknown(10003, "Channel")
        if channel.guild is not None and not channel.guild.has_bot:
            raise missing_access()
        permissions = channel.bot_permissions()
        hidden_voice = channel.is_voice and not permissions & Permission.CONNECT
        if not permissions & Permission.VIEW_CHANNEL or hidden_voice:
            raise missing_access()
        return channel

    def visible_message(self, channel: Channel, message_id: int) -> Message:
        """The message of this id in a channel. Raises 10008, for ephemeral ones too."""
        message = channel.all_messages.get(message_id)
        if message is None or message.deleted or message.ephemeral:
            raise unknown(10008, "Message")
        return message
