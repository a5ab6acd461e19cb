"""Where somebody stands who wants something of the music, and whether they may have it."""

from __future__ import annotations

from typing import Any, cast

import discord

from cogs.common.answers import fault_locale
from services.authority import authorise_control, authorise_play
from services.errors import UserError
from services.i18n import N_, say
from services.lavalink import Player

# What music needs in a channel, by the name that Discord shows for it.
NEEDED = {
    N_("View Channel"): discord.Permissions(view_channel=True),
    N_("Connect"): discord.Permissions(connect=True),
    N_("Speak"): discord.Permissions(speak=True),
}
INVITED = discord.Permissions(
    view_channel=True, connect=True, speak=True, send_messages=True, embed_links=True, read_message_history=True
)
VoiceChannel = discord.VoiceChannel | discord.StageChannel


def guild_of(interaction: discord.Interaction[Any]) -> discord.Guild:
    """The server that the interaction came from.

    Raises:
        UserError: it came from a direct message.
    """
    if interaction.guild is None:
        raise UserError(N_("Music plays in servers only."))
    return interaction.guild


def player_in(guild: discord.Guild) -> Player | None:
    """The guild's player, if there is one."""
    return guild.voice_client if isinstance(guild.voice_client, Player) else None


def controlled(interaction: discord.Interaction[Any]) -> Player:
    """The player that the person may control.

    Raises:
        UserError: there is none, or they may not.
    """
    player = player_in(guild_of(interaction))
    channel = _caller_channel(interaction)
    authorise_control(channel.id if channel else None, player.channel.id if player else None)
    return cast(Player, player)  # authorise_control raises where there is none


def joinable(interaction: discord.Interaction[Any]) -> VoiceChannel:
    """The voice channel in which the person may have music, and in which the bot can make it.

    Raises:
        UserError: they are in none or in another one, or the bot lacks a permission or a seat there.
    """
    guild = guild_of(interaction)
    player, channel = player_in(guild), _caller_channel(interaction)
    authorise_play(channel.id if channel else None, player.channel.id if player else None)
    wanted = cast(VoiceChannel, channel)  # authorise_play raises where there is none
    if player is None:
        _check_access(wanted, interaction)
    return wanted


def _caller_channel(interaction: discord.Interaction[Any]) -> VoiceChannel | None:
    user = interaction.user
    return user.voice.channel if isinstance(user, discord.Member) and user.voice else None


def _check_access(channel: VoiceChannel, interaction: discord.Interaction[Any]) -> None:
    me = channel.guild.me
    if me.is_timed_out():
        raise UserError(N_("I am timed out in this server, so I can join no channel until that ends."))
    allowed = channel.permissions_for(me)
    if allowed.administrator:
        return
    locale = fault_locale(interaction)
    missing = [say(locale, name) for name, needed in NEEDED.items() if not needed <= allowed]
    if missing:
        raise UserError(
            N_("I lack permissions in {channel} ({permissions}). Grant them there, or invite me again: {link}"),
            channel=channel.mention,
            permissions=", ".join(missing),
            link=discord.utils.oauth_url(interaction.application_id, permissions=INVITED, guild=channel.guild),
        )
    if channel.user_limit and len(channel.voice_states) >= channel.user_limit and not allowed.move_members:
        raise UserError(N_("{channel} is full."), channel=channel.mention)
