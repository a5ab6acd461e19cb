"""What a person writes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING

from . import posting
from .errors import DiscordError
from .messages import Message, MessageType
from .payload import Json
from .people import Person
from .permissions import Permission

if TYPE_CHECKING:
    from .channels import Channel

AT_NAME = re.compile(r"@([\w.-]+)")


class Talker(Person):
    async def say(
        self,
        channel: Channel,
        text: str,
        *,
        reply_to: Message | None = None,
        ping: bool = True,
        files: Mapping[str, bytes] | None = None,
    ) -> Message:
        """Send a message; ``@bot`` and ``@name`` become mentions.

        Raises ``PermissionError``, and ``ValueError`` for a text that is empty or too long.
        ``ping`` is the switch beside a reply; ``files`` are attachments by name.
        """
        self._check_may_send(channel)
        content = AT_NAME.sub(self._mention, text)
        uploads = [posting.Upload(i, name, data) for i, (name, data) in enumerate((files or {}).items())]
        body: Json = {"content": content}
        if reply_to is not None:
            body["allowed_mentions"] = {"parse": ["users", "roles", "everyone"], "replied_user": ping}
        kind = MessageType.DEFAULT if reply_to is None else MessageType.REPLY
        try:
            return posting.create(channel, self.user, body, uploads, type=kind, reference=reply_to)
        except DiscordError as error:
            if error.status == HTTPStatus.FORBIDDEN:
                raise PermissionError(f"{self.name} may not write in {channel.name}: {error}") from error
            raise ValueError(str(error)) from error

    async def dm(self, text: str, *, files: Mapping[str, bytes] | None = None) -> Message:
        """Send the bot a direct message."""
        return await self.say(self.dm_channel, text, files=files)

    async def revise(self, message: Message, text: str) -> None:
        """Edit one's own message."""
        if message.author is not self.user:
            raise PermissionError(f"{self.name} did not write that message")
        posting.edit(message, {"content": AT_NAME.sub(self._mention, text)}, [])

    async def delete(self, message: Message) -> None:
        """Delete a message, one's own or, as a moderator, another's."""
        guild = message.channel.guild
        moderator = guild is not None and bool(
            message.channel.permissions(guild.members[self.id]) & Permission.MANAGE_MESSAGES
        )
        if message.author is not self.user and not moderator:
            raise PermissionError(f"{self.name} may not delete that message")
        posting.delete(message)

    def _check_may_send(self, channel: Channel) -> None:
        if channel.guild is None:
            return
        needed = Permission.VIEW_CHANNEL | channel.sending
        member = channel.guild.members.get(self.id)
        if member is None or channel.permissions(member) & needed != needed:
            raise PermissionError(f"{self.name} may not write in {channel.name}")

    def _mention(self, found: re.Match[str]) -> str:
        name = found[1]
        if name == "bot":
            return self.world.bot.mention
        member = self.guild.find_member(name)
        return found[0] if member is None else member.user.mention
