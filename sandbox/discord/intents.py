"""Which events a connection is sent (discord.com/developers/docs/events/gateway#gateway-intents)."""

from enum import IntFlag

from .payload import Json


class Intent(IntFlag):
    GUILDS = 1 << 0
    GUILD_MEMBERS = 1 << 1
    GUILD_VOICE_STATES = 1 << 7
    GUILD_PRESENCES = 1 << 8
    GUILD_MESSAGES = 1 << 9
    DIRECT_MESSAGES = 1 << 12
    MESSAGE_CONTENT = 1 << 15


NONE = Intent(0)
PRIVILEGED = Intent.GUILD_MEMBERS | Intent.GUILD_PRESENCES | Intent.MESSAGE_CONTENT
KNOWN = (1 << 17) - 1 | 0b11 << 20 | 0b11 << 24

_MESSAGES = {"MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE", "MESSAGE_DELETE_BULK"}
_GUILDS = {
    "GUILD_CREATE",
    "GUILD_UPDATE",
    "GUILD_DELETE",
    "GUILD_ROLE_CREATE",
    "GUILD_ROLE_UPDATE",
    "GUILD_ROLE_DELETE",
    "CHANNEL_CREATE",
    "CHANNEL_UPDATE",
    "CHANNEL_DELETE",
    "THREAD_CREATE",
    "THREAD_UPDATE",
}
_MEMBERS = {"GUILD_MEMBER_ADD", "GUILD_MEMBER_UPDATE", "GUILD_MEMBER_REMOVE"}
_OTHERS = {
    "READY",
    "RESUMED",
    "INTERACTION_CREATE",
    "GUILD_MEMBERS_CHUNK",
    "VOICE_STATE_UPDATE",
    "VOICE_SERVER_UPDATE",
}
EVENTS = _MESSAGES | _GUILDS | _MEMBERS | _OTHERS


def needed_for(event: str, data: Json) -> Intent:
    """The intent without which an event is not sent; 0 where none is needed."""
    if event in _GUILDS:
        return Intent.GUILDS
    if event in _MEMBERS:
        return Intent.GUILD_MEMBERS
    if event == "VOICE_STATE_UPDATE":
        return Intent.GUILD_VOICE_STATES
    if event in _MESSAGES:
        return Intent.GUILD_MESSAGES if "guild_id" in data else Intent.DIRECT_MESSAGES
    return NONE


def without_content(message: Json, bot_id: int) -> Json:
    """A server's message as an application without the message content intent gets it.

    Its own messages and those that mention it stay whole; a message that another one answers is
    judged by itself.
    """
    own = str(bot_id)
    shown = dict(message)
    if message["author"]["id"] != own and all(user["id"] != own for user in message["mentions"]):
        shown |= {"content": "", "embeds": [], "attachments": [], "components": []}
    if shown.get("referenced_message"):
        shown["referenced_message"] = without_content(shown["referenced_message"], bot_id)
    return shown
