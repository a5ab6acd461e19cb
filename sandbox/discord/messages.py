"""Messages (discord.com/developers/docs/resources/message)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from enum import IntEnum, IntFlag
from typing import TYPE_CHECKING, Any

from .payload import Json
from .snowflake import iso_now, iso_of

if TYPE_CHECKING:
    from .channels import Channel
    from .interactions import Interaction
    from .people import User

USER_MENTION = re.compile(r"<@!?(\d+)>")
CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
"""Where a mention is only text."""


class MessageType(IntEnum):
    DEFAULT = 0
    REPLY = 19
    COMMAND = 20


class MessageFlag(IntFlag):
    SUPPRESS_EMBEDS = 1 << 2
    EPHEMERAL = 1 << 6
    LOADING = 1 << 7
    SUPPRESS_NOTIFICATIONS = 1 << 12
    COMPONENTS_V2 = 1 << 15


NO_FLAGS = MessageFlag(0)


@dataclass(frozen=True, slots=True)
class Version:
    """What a message showed from ``at`` on (seconds of the event loop's clock)."""

    at: float
    content: str = ""
    embeds: list[Json] = field(default_factory=list[Json])
    components: list[Json] = field(default_factory=list[Json])
    attachments: list[Json] = field(default_factory=list[Json])


@dataclass(eq=False, slots=True)
class Message:
    """A message with all that it ever showed; ``versions`` is empty while it only says "thinking"."""

    id: int
    channel: Channel
    author: User
    type: MessageType = MessageType.DEFAULT
    flags: MessageFlag = NO_FLAGS
    versions: list[Version] = field(default_factory=list[Version])
    mentions: list[User] = field(default_factory=list["User"])
    mention_everyone: bool = False
    reference: Message | None = None
    interaction: Interaction | None = None
    nonce: str | int | None = None
    tts: bool = False
    edited_timestamp: str | None = None
    deleted: bool = False

    @property
    def shown(self) -> Version:
        return self.versions[-1] if self.versions else Version(0.0)

    @property
    def content(self) -> str:
        return self.shown.content

    @property
    def embeds(self) -> list[Json]:
        return self.shown.embeds

    @property
    def components(self) -> list[Json]:
        return self.shown.components

    @property
    def attachments(self) -> list[Json]:
        return self.shown.attachments

    @property
    def edits(self) -> list[Version]:
        """What followed the first text, oldest first."""
        return self.versions[1:]

    @property
    def ephemeral(self) -> bool:
        return bool(self.flags & MessageFlag.EPHEMERAL)

    @property
    def loading(self) -> bool:
        """Whether this is a deferred answer that shows nothing yet."""
        return bool(self.flags & MessageFlag.LOADING)

    @property
    def text(self) -> str:
        """All that a reader sees: content, embeds and text components."""
        embeds = [
            part
            for embed in self.embeds
            for part in (
                embed.get("author", {}).get("name"),
                embed.get("title"),
                embed.get("description"),
                *(f"{f['name']}\n{f['value']}" for f in embed.get("fields", [])),
                embed.get("footer", {}).get("text"),
            )
        ]
        displays = [part["content"] for part in walk(self.components) if part["type"] == 10]
        return "\n".join(part for part in (self.content, *embeds, *displays) if part)

    def show(self, at: float, **changes: Any) -> None:
        """Show something else from now on."""
        if self.versions:
            self.edited_timestamp = iso_now()
        self.flags &= ~MessageFlag.LOADING
        self.versions.append(replace(self.shown, at=at, **changes))

    def payload(self) -> Json:
        """The message as REST answers it."""
        data: Json = {
            "id": str(self.id),
            "channel_id": str(self.channel.id),
            "type": int(self.type),
            "author": self.author.payload(),
            "content": self.content,
            "embeds": self.embeds,
            "components": self.components,
            "attachments": self.attachments,
            "mentions": [user.payload() for user in self.mentions],
            "mention_roles": [],
            "mention_everyone": self.mention_everyone,
            "timestamp": iso_of(self.id),
            "edited_timestamp": self.edited_timestamp,
            "flags": int(self.flags),
            "pinned": False,
            "tts": self.tts,
        }
        if self.nonce is not None:
            data["nonce"] = self.nonce
        if self.interaction is not None:
            data |= self.interaction.message_origin()
        if self.reference is not None:
            data |= self._reference_payload(self.reference)
        return data

    def _reference_payload(self, reference: Message) -> Json:
        pointer = {"type": 0, "channel_id": str(reference.channel.id), "message_id": str(reference.id)}
        if reference.channel.guild is not None:
            pointer["guild_id"] = str(reference.channel.guild.id)
        whole = None if reference.deleted else reference.payload()
        if whole is not None:
            # Discord resolves one level of replies.
            whole.pop("referenced_message", None)
        return {"message_reference": pointer, "referenced_message": whole}

    def event_payload(self) -> Json:
        """The message as the gateway sends it, with the channel's type, the guild and the author's member."""
        data = self.payload()
        data["channel_type"] = int(self.channel.type)
        guild = self.channel.guild
        if guild is None:
            return data
        data["guild_id"] = str(guild.id)
        if member := guild.members.get(self.author.id):
            data["member"] = member.partial_payload()
        for user in data["mentions"]:
            if member := guild.members.get(int(user["id"])):
                user["member"] = member.partial_payload()
        return data


def walk(components: list[Json]) -> list[Json]:
    """Every component of a message, those within others too."""
    found: list[Json] = []
    for component in components:
        found.append(component)
        found += walk(component.get("components", []))
        if accessory := component.get("accessory"):
            found.append(accessory)
        if inner := component.get("component"):
            found.append(inner)
    return found
