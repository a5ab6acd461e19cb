"""Guilds, members, channels and the bot's own voice state."""

from __future__ import annotations

from . import voice
from .channels import Channel
from .errors import DiscordError, integer, missing_permissions, unknown
from .guilds import Guild
from .members import Member
from .permissions import Permission
from .rest import NO_CONTENT, Answer, Call, Route


def get_guild(call: Call) -> Answer:
    guild = call.world.visible_guild(call.id("guild_id"))
    counts = {"approximate_member_count": len(guild.members), "approximate_presence_count": 1}
    return Answer(200, guild.payload() | (counts if call.flag("with_counts") else {}))


def leave_guild(call: Call) -> Answer:
    call.world.visible_guild(call.id("guild_id")).remove_bot()
    return NO_CONTENT


def list_channels(call: Call) -> Answer:
    guild = call.world.visible_guild(call.id("guild_id"))
    return Answer(200, [channel.payload() for channel in guild.channels])


def list_roles(call: Call) -> Answer:
    guild = call.world.visible_guild(call.id("guild_id"))
    return Answer(200, [role.payload() for role in guild.roles.values()])


def get_member(call: Call) -> Answer:
    return Answer(200, _member(call).payload())


def edit_me(call: Call) -> Answer:
    me = call.world.visible_guild(call.id("guild_id")).me
    if "nick" in call.body:
        if not me.permissions() & Permission.CHANGE_NICKNAME:
            raise missing_permissions()
        me.rename(call.body["nick"] or None)
    return Answer(200, me.payload())


def edit_member(call: Call) -> Answer:
    """Only moving between voice channels and out of them."""
    member = _member(call)
    if "channel_id" in call.body:
        if not member.guild.me.permissions() & Permission.MOVE_MEMBERS:
            raise missing_permissions()
        _move(call, member)
    return Answer(200, member.payload())


def _move(call: Call, member: Member) -> None:
    state = member.guild.voice_states.get(member.id)
    if state is None:
        raise DiscordError(400, 40032, "Target user is not connected to voice.")
    wanted = call.body["channel_id"]
    if wanted is None:
        voice.remove(member)
    else:
        channel = call.world.visible_channel(integer(wanted, "channel_id"))
        voice.place(member, channel, state.session_id, self_mute=state.self_mute, self_deaf=state.self_deaf)


def _member(call: Call) -> Member:
    guild = call.world.visible_guild(call.id("guild_id"))
    member = guild.members.get(call.id("user_id"))
    if member is None:
        raise unknown(10007, "Member")
    return member


def get_channel(call: Call) -> Answer:
    return Answer(200, call.world.visible_channel(call.id("channel_id")).payload())


def start_thread(call: Call) -> Answer:
    """From a message where the path names one. Raises 10008, 50013."""
    channel = call.world.visible_channel(call.id("channel_id"))
    if channel.guild is None or not channel.bot_permissions() & Permission.CREATE_PUBLIC_THREADS:
        raise missing_permissions()
    if "message_id" in call.params:
        call.world.visible_message(channel, call.id("message_id"))
    return Answer(201, _thread(channel.guild, channel, call).payload())


def _thread(guild: Guild, parent: Channel, call: Call) -> Channel:
    return guild.add_thread(parent, str(call.body.get("name") or "thread"))


def get_voice_state(call: Call) -> Answer:
    guild = call.world.visible_guild(call.id("guild_id"))
    user_id = guild.me.id if call.params.get("user_id") is None else call.id("user_id")
    state = guild.voice_states.get(user_id)
    if state is None:
        raise unknown(10065, "Voice State")
    return Answer(200, voice.state_payload(guild.members[user_id], state))


def edit_own_voice_state(call: Call) -> Answer:
    """On a stage: become a speaker (needs MUTE_MEMBERS) or a listener again, or ask (needs REQUEST_TO_SPEAK)."""
    me = call.world.visible_guild(call.id("guild_id")).me
    state = me.guild.voice_states.get(me.id)
    if state is None:
        raise unknown(10065, "Voice State")
    suppress = call.body.get("suppress")
    if suppress is False and not state.channel.permissions(me) & Permission.MUTE_MEMBERS:
        raise missing_permissions()
    if suppress is not None:
        voice.suppress(me, bool(suppress))
    if (asked_at := call.body.get("request_to_speak_timestamp")) is not None:
        if not state.channel.permissions(me) & Permission.REQUEST_TO_SPEAK:
            raise missing_permissions()
        voice.raise_hand(me, str(asked_at))
    return NO_CONTENT


ROUTES = [
    Route("GET", "/guilds/{guild_id}", get_guild),
    Route("DELETE", "/users/@me/guilds/{guild_id}", leave_guild),
    Route("GET", "/guilds/{guild_id}/channels", list_channels),
    Route("GET", "/guilds/{guild_id}/roles", list_roles),
    Route("PATCH", "/guilds/{guild_id}/members/@me", edit_me),
    Route("GET", "/guilds/{guild_id}/members/{user_id}", get_member),
    Route("PATCH", "/guilds/{guild_id}/members/{user_id}", edit_member),
    Route("GET", "/guilds/{guild_id}/voice-states/@me", get_voice_state),
    Route("PATCH", "/guilds/{guild_id}/voice-states/@me", edit_own_voice_state),
    Route("GET", "/guilds/{guild_id}/voice-states/{user_id}", get_voice_state),
    Route("GET", "/channels/{channel_id}", get_channel),
    Route("POST", "/channels/{channel_id}/threads", start_thread),
    Route("POST", "/channels/{channel_id}/messages/{message_id}/threads", start_thread),
]
