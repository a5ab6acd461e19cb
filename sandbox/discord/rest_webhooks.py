"""An interaction's webhook: the original answer and followups."""

from __future__ import annotations

from . import posting
from .errors import unknown
from .interactions import Interaction
from .messages import Message
from .rest import NO_CONTENT, Answer, Call, Route
from .threads import check_edit


def _interaction(call: Call) -> Interaction:
    if call.id("webhook_id") != call.world.bot.id:
        raise unknown(10015, "Webhook")
    return call.world.interactions.of_webhook(call.params["webhook_token"])


def _message(call: Call) -> tuple[Interaction, Message]:
    """Raises 50027, 10015, 10008."""
    use = _interaction(call)
    if call.params["message_id"] == "@original":
        message = use.original
    else:
        message = use.channel.all_messages.get(call.id("message_id"))
        if message is not None and message.interaction is not use and message is not use.source:
            message = None
    if message is None or message.deleted:
        raise unknown(10008, "Message")
    return use, message


def create_followup(call: Call) -> Answer:
    """A new message; right after a deferral, the deferred message's text (as Discord documents)."""
    use = _interaction(call)
    if use.original is not None and use.original.loading:
        _fill(use.original, call)
        return Answer(200, use.original.payload())
    message = posting.create(use.channel, call.world.bot, call.body, call.uploads, interaction=use)
    use.add(message)
    call.world.changes.notify()
    return Answer(200, message.payload())


def _fill(message: Message, call: Call) -> None:
    check_edit(message.channel, message.author)
    flags = posting.check_body(call.body, call.uploads)
    posting.fill(message, call.body, call.uploads, flags & ~posting.MessageFlag.EPHEMERAL)
    posting.announce(message, "MESSAGE_UPDATE")


def get_message(call: Call) -> Answer:
    return Answer(200, _message(call)[1].payload())


def edit_message(call: Call) -> Answer:
    use, message = _message(call)
    if message.loading:
        _fill(message, call)
    else:
        posting.edit(message, call.body, call.uploads)
    use.add(message)
    call.world.changes.notify()
    return Answer(200, message.payload())


def delete_message(call: Call) -> Answer:
    posting.delete(_message(call)[1])
    return NO_CONTENT


BASE = "/webhooks/{webhook_id}/{webhook_token}"
ROUTES = [
    Route("POST", BASE, create_followup, token_free=True),
    Route("GET", f"{BASE}/messages/{{message_id}}", get_message, token_free=True),
    Route("PATCH", f"{BASE}/messages/{{message_id}}", edit_message, token_free=True),
    Route("DELETE", f"{BASE}/messages/{{message_id}}", delete_message, token_free=True),
]
