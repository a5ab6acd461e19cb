"""INTERACTION_CREATE as Discord sends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .interactions import Interaction
from .payload import Json
from .permissions import Permission

if TYPE_CHECKING:
    from .channels import Channel
    from .members import Member

ATTACHMENT_SIZE_LIMIT = 10 * 1024 * 1024
GUILD_CONTEXT = 0
BOT_DM_CONTEXT = 1
DM_PERMISSIONS = (
    Permission.ATTACH_FILES | Permission.EMBED_LINKS | Permission.MENTION_EVERYONE | Permission.USE_EXTERNAL_EMOJIS
)
"""What an application is told that it may do in its direct messages."""


def send(interaction: Interaction) -> Interaction:
    """Put an interaction on its way to the bot; returns it at once."""
    world = interaction.world
    guild = interaction.channel.guild
    world.interactions.open(interaction)
    world.sessions.publish("INTERACTION_CREATE", event_payload(interaction), guild and guild.id)
    world.changes.notify()
    return interaction


def event_payload(interaction: Interaction) -> Json:
    channel = interaction.channel
    guild = channel.guild
    data: Json = {
        "id": str(interaction.id),
        "application_id": str(interaction.world.bot.id),
        "type": int(interaction.type),
        "token": interaction.token,
        "version": 1,
        "data": interaction.data,
        "channel_id": str(channel.id),
        "channel": channel.payload(),
        "locale": interaction.locale,
        "app_permissions": str(int(DM_PERMISSIONS if guild is None else channel.bot_permissions())),
        "entitlements": [],
        "entitlement_sku_ids": [],
        "authorizing_integration_owners": interaction.integration_owners(),
        "context": BOT_DM_CONTEXT if guild is None else GUILD_CONTEXT,
        "attachment_size_limit": ATTACHMENT_SIZE_LIMIT,
    }
    if interaction.source is not None:
        data["message"] = interaction.source.payload()
    if guild is None:
        return data | {"user": interaction.person.user.payload()}
    member = guild.members[interaction.person.id]
    data["channel"]["permissions"] = str(int(channel.permissions(member)))
    return data | {
        "guild_id": str(guild.id),
        "guild": {"id": str(guild.id), "locale": guild.locale, "features": []},
        "guild_locale": guild.locale,
        "member": resolved_member(member, channel) | {"user": member.user.payload()},
    }


def resolved_member(member: Member, channel: Channel) -> Json:
    """A member with its permissions in the channel, without the user."""
    return member.partial_payload() | {"permissions": str(int(channel.permissions(member)))}
