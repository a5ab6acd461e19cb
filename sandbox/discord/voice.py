"""Voice states and voice servers (discord.com/developers/docs/resources/voice)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .payload import Json
from .permissions import Permission

if TYPE_CHECKING:
    from .channels import Channel
    from .guilds import Guild
    from .members import Member

STAGE = 13


@dataclass(slots=True)
class VoiceState:
    channel: Channel
    session_id: str
    self_mute: bool = False
    self_deaf: bool = False
    mute: bool = False
    deaf: bool = False
    suppress: bool = False
    request_to_speak: str | None = field(default=None, init=False)
    """When the member on a stage raised a hand, as Discord writes it."""


@dataclass(frozen=True, slots=True)
class VoiceServer:
    token: str
    endpoint: str


@dataclass(frozen=True, slots=True)
class VoiceCredentials:
    """What a voice connection of the bot must show now; ids as Discord writes them."""

    token: str
    endpoint: str
    session_id: str
    channel_id: str


def state_payload(member: Member, state: VoiceState | None) -> Json:
    """A voice state; without one, of someone who has left."""
    guild = member.guild
    return {
        "guild_id": str(guild.id),
        "channel_id": None if state is None else str(state.channel.id),
        "user_id": str(member.id),
        "member": member.payload(),
        "session_id": member.last_voice_session if state is None else state.session_id,
        "deaf": state is not None and state.deaf,
        "mute": state is not None and state.mute,
        "self_deaf": state is not None and state.self_deaf,
        "self_mute": state is not None and state.self_mute,
        "self_stream": False,
        "self_video": False,
        "suppress": state is not None and state.suppress,
        "request_to_speak_timestamp": None if state is None else state.request_to_speak,
    }


def may_connect(member: Member, channel: Channel) -> bool:
    """Discord lets nobody into a voice channel unseen, denied, or full, and no voice into any other."""
    if not channel.is_voice:
        return False
    permissions = channel.permissions(member)
    needed = Permission.VIEW_CHANNEL | Permission.CONNECT
    if permissions & needed != needed:
        return False
    inside = [m for m in channel.world.in_voice(channel) if m is not member]
    full = 0 < channel.user_limit <= len(inside)
    return not full or bool(permissions & Permission.MOVE_MEMBERS)


def place(member: Member, channel: Channel, session_id: str, **flags: bool) -> None:
    """Put a member into a voice channel (joining, moving, or a change of mute and deaf)."""
    guild = member.guild
    before = guild.voice_states.get(member.id)
    state = VoiceState(channel, session_id, **flags)
    if before is not None:
        state.mute, state.deaf = before.mute, before.deaf
    same_channel = before is not None and before.channel is channel
    if channel.type == STAGE:
        state.suppress = before.suppress if same_channel and before else True
    else:
        state.suppress = not channel.permissions(member) & Permission.SPEAK
    guild.voice_states[member.id] = state
    member.last_voice_session = session_id
    guild.publish("VOICE_STATE_UPDATE", state_payload(member, state))
    if member is guild.me and not (same_channel and before and before.session_id == session_id):
        allocate_server(guild)


def suppress(member: Member, suppressed: bool) -> None:
    """Make someone on a stage a listener, or a speaker."""
    state = member.guild.voice_states[member.id]
    state.suppress = suppressed
    state.request_to_speak = None
    member.guild.publish("VOICE_STATE_UPDATE", state_payload(member, state))


def raise_hand(member: Member, at: str | None) -> None:
    """Ask to speak on a stage; None takes that back."""
    state = member.guild.voice_states[member.id]
    state.request_to_speak = at
    member.guild.publish("VOICE_STATE_UPDATE", state_payload(member, state))


def remove(member: Member) -> None:
    """Take a member out of voice: left, kicked, or the channel is gone."""
    guild = member.guild
    if guild.voice_states.pop(member.id, None) is None:
        return
    if member is guild.me:
        guild.voice_server = None
    guild.publish("VOICE_STATE_UPDATE", state_payload(member, None))


def empty(guild: Guild, channel: Channel) -> None:
    for member in channel.world.in_voice(channel):
        remove(member)


def allocate_server(guild: Guild) -> None:
    """Give the bot a voice server of the guild's region, with a fresh token."""
    # Where nothing listens the name is one under .invalid, which never resolves (RFC 2606).
    nowhere = f"{guild.voice_region}-{secrets.token_hex(4)}.discord.invalid:443"
    endpoint = guild.world.voice_endpoint or nowhere
    guild.voice_server = VoiceServer(secrets.token_hex(8), endpoint)
    guild.publish(
        "VOICE_SERVER_UPDATE",
        {"token": guild.voice_server.token, "guild_id": str(guild.id), "endpoint": endpoint},
    )


def credentials(guild: Guild) -> VoiceCredentials | None:
    """What Discord gave the bot for this guild, or None while it is not in voice."""
    state = guild.voice_states.get(guild.me.id)
    server = guild.voice_server
    if state is None or server is None:
        return None
    return VoiceCredentials(server.token, server.endpoint, state.session_id, str(state.channel.id))
