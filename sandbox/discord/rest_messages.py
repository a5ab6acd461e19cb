"""Messages of a channel."""

from __future__ import annotations

from . import posting
from .channels import Channel
from .errors import DiscordError, FormErrors, integer, missing_permissions
from .intents import Intent, without_content
from .messages import Message, MessageFlag, MessageType
from .payload import Json, as_object
from .permissions import NONE, Permission
from .rest import NO_CONTENT, Answer, Call, Route

LIST_LIMIT = 100


def shown(call: Call, message: Message) -> Json:
    """A message as the application may see it: REST hides contents as the gateway does."""
    data = message.payload()
    if message.channel.guild is None or call.world.privileged_intents & Intent.MESSAGE_CONTENT:
        return data
    return without_content(data, call.world.bot.id)


def check_may_send(channel: Channel) -> None:
    """Raises 50007, 50013."""
    if channel.recipient is not None:
        if not channel.recipient.accepts_dms:
            raise DiscordError(403, 50007, "Cannot send messages to this user")
        return
    if not channel.bot_permissions() & channel.sending:
        raise missing_permissions()


def create_message(call: Call) -> Answer:
    channel = call.world.visible_channel(call.id("channel_id"))
    check_may_send(channel)
    needed = Permission.ATTACH_FILES if call.uploads else NONE
    needed |= Permission.EMBED_LINKS if call.body.get("embeds") else NONE
    if needed & ~channel.bot_permissions():
        raise missing_permissions()
    reference = _reference(call, channel)
    body = dict(call.body)
    if type(body.get("flags")) is int:
        # Only answers to interactions can be ephemeral.
        body["flags"] &= ~MessageFlag.EPHEMERAL
    message = posting.create(
        channel,
        call.world.bot,
        body,
        call.uploads,
        type=MessageType.DEFAULT if reference is None else MessageType.REPLY,
        reference=reference,
    )
    return Answer(200, message.payload())


def _reference(call: Call, channel: Channel) -> Message | None:
    asked = as_object(call.body.get("message_reference"))
    if not asked:
        return None
    message = channel.all_messages.get(integer(asked.get("message_id"), "message_reference", "message_id"))
    if message is not None and not message.deleted and not message.ephemeral:
        if not channel.bot_permissions() & Permission.READ_MESSAGE_HISTORY:
            message_text = "Cannot reply without permission to read message history"
            raise DiscordError(403, 160002, message_text)
        return message
    if asked.get("fail_if_not_exists", True):
        errors = FormErrors()
        errors.add(("message_reference",), "MESSAGE_REFERENCE_UNKNOWN_MESSAGE", "Unknown message")
        errors.raise_any()
    return None


def list_messages(call: Call) -> Answer:
    channel = call.world.visible_channel(call.id("channel_id"))
    if not channel.bot_permissions() & Permission.READ_MESSAGE_HISTORY:
        return Answer(200, [])
    limit = integer(call.query.get("limit", 50), "limit")
    if not 1 <= limit <= LIST_LIMIT:
        errors = FormErrors()
        message = f"int value should be between 1 and {LIST_LIMIT}."
        errors.add(("limit",), "NUMBER_TYPE_MAX" if limit > LIST_LIMIT else "NUMBER_TYPE_MIN", message)
        errors.raise_any()
    found = channel.messages
    if "after" in call.query:
        found = [m for m in found if m.id > integer(call.query["after"], "after")][:limit]
    if "before" in call.query:
        found = [m for m in found if m.id < integer(call.query["before"], "before")]
    return Answer(200, [shown(call, message) for message in reversed(found[-limit:])])


def _message(call: Call) -> Message:
    channel = call.world.visible_channel(call.id("channel_id"))
    return call.world.visible_message(channel, call.id("message_id"))


def get_message(call: Call) -> Answer:
    channel = call.world.visible_channel(call.id("channel_id"))
    if not channel.bot_permissions() & Permission.READ_MESSAGE_HISTORY:
        raise missing_permissions()
    return Answer(200, shown(call, _message(call)))


def edit_message(call: Call) -> Answer:
    message = _message(call)
    if message.author is not call.world.bot:
        raise DiscordError(403, 50005, "Cannot edit a message authored by another user")
    posting.edit(message, call.body, call.uploads)
    return Answer(200, message.payload())


def delete_message(call: Call) -> Answer:
    message = _message(call)
    if message.author is not call.world.bot:
        if message.channel.guild is None:
            raise DiscordError(403, 50003, "Cannot execute action on a DM channel")
        if not message.channel.bot_permissions() & Permission.MANAGE_MESSAGES:
            raise missing_permissions()
    posting.delete(message)
    return NO_CONTENT


def start_typing(call: Call) -> Answer:
    channel = call.world.visible_channel(call.id("channel_id"))
    check_may_send(channel)
    channel.bot_typed += 1
    return NO_CONTENT


ROUTES = [
    Route("GET", "/channels/{channel_id}/messages", list_messages),
    Route("POST", "/channels/{channel_id}/messages", create_message),
    Route("GET", "/channels/{channel_id}/messages/{message_id}", get_message),
    Route("PATCH", "/channels/{channel_id}/messages/{message_id}", edit_message),
    Route("DELETE", "/channels/{channel_id}/messages/{message_id}", delete_message),
    Route("POST", "/channels/{channel_id}/typing", start_typing),
]
