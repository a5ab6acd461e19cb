"""Answers to interactions (discord.com/developers/docs/interactions/receiving-and-responding)."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum

from . import posting
from .component_answers import with_ids
from .component_fields import MODAL
from .component_rules import check_components
from .errors import FormErrors, integer
from .fields import Shape
from .interactions import Interaction, InteractionType
from .message_rules import check_fields
from .messages import Message, MessageFlag, MessageType
from .payload import Json, as_object, as_objects, without_nulls
from .posting import Upload
from .rest import NO_CONTENT, Answer, Call, Route

CHOICES_LIMIT = 25


class CallbackType(IntEnum):
    MESSAGE = 4
    DEFERRED_MESSAGE = 5
    DEFERRED_UPDATE = 6
    UPDATE = 7
    AUTOCOMPLETE = 8
    MODAL = 9


def _message(use: Interaction, data: Json, uploads: list[Upload]) -> None:
    flags = posting.check_body(data, uploads, "data")
    use.original = _new(use)
    posting.fill(use.original, data, uploads, flags)
    use.add(use.original)
    posting.announce(use.original, "MESSAGE_CREATE")


def _deferred_message(use: Interaction, data: Json, uploads: list[Upload]) -> None:
    ephemeral = _deferred_flags(data) & MessageFlag.EPHEMERAL
    use.original = _new(use)
    use.original.flags = MessageFlag.LOADING | ephemeral
    use.add(use.original)
    posting.announce(use.original, "MESSAGE_CREATE")


def _deferred_flags(data: Json) -> MessageFlag:
    """Nothing of a deferral's body but its flags is used, and all of it is judged."""
    flags = MessageFlag(integer(data.get("flags"), "data", "flags"))
    check_fields(data, flags, "data")
    return flags


def _new(use: Interaction) -> Message:
    kind = MessageType.COMMAND if use.type is InteractionType.COMMAND else MessageType.REPLY
    reference = use.source if kind is MessageType.REPLY else None
    if reference is not None and reference.ephemeral:
        reference = None
    return posting.new_message(use.channel, use.world.bot, type=kind, interaction=use, reference=reference)


def _deferred_update(use: Interaction, data: Json, uploads: list[Upload]) -> None:
    _deferred_flags(data)
    use.original = use.source


def _update(use: Interaction, data: Json, uploads: list[Upload]) -> None:
    assert use.source is not None
    posting.edit(use.source, data, uploads, "data")
    use.original = use.source
    use.add(use.source)


def _autocomplete(use: Interaction, data: Json, uploads: list[Upload]) -> None:
    choices = as_objects(data.get("choices"))
    errors = FormErrors("data", "choices")
    if len(choices) > CHOICES_LIMIT:
        errors.add((), "BASE_TYPE_MAX_LENGTH", f"Must be {CHOICES_LIMIT} or fewer in length.")
    for index, choice in enumerate(choices):
        errors.length(choice.get("name"), 1, 100, index, "name")
        if isinstance(choice.get("value"), str):
            errors.length(choice["value"], 1, 100, index, "value")
    errors.raise_any()
    use.choices = choices


def _modal(use: Interaction, data: Json, uploads: list[Upload]) -> None:
    errors = FormErrors("data")
    MODAL.check(data, (), errors)
    errors.raise_any()
    check_components(data["components"], errors, modal=True)
    errors.raise_any()
    use.modal = data | {"components": with_ids(as_objects(without_nulls(data["components"])))}


HANDLERS: dict[CallbackType, Callable[[Interaction, Json, list[Upload]], None]] = {
    CallbackType.MESSAGE: _message,
    CallbackType.DEFERRED_MESSAGE: _deferred_message,
    CallbackType.DEFERRED_UPDATE: _deferred_update,
    CallbackType.UPDATE: _update,
    CallbackType.AUTOCOMPLETE: _autocomplete,
    CallbackType.MODAL: _modal,
}


def _allowed(use: Interaction) -> set[CallbackType]:
    if use.type is InteractionType.AUTOCOMPLETE:
        return {CallbackType.AUTOCOMPLETE}
    allowed = {CallbackType.MESSAGE, CallbackType.DEFERRED_MESSAGE}
    if use.source is not None:
        allowed |= {CallbackType.DEFERRED_UPDATE, CallbackType.UPDATE}
    if use.type is not InteractionType.MODAL_SUBMIT:
        allowed.add(CallbackType.MODAL)
    return allowed


def answer_interaction(call: Call) -> Answer:
    """The first answer. Raises 10062 (too late), 40060 (answered already), 50035."""
    use = call.world.interactions.to_answer(call.id("interaction_id"), call.params["interaction_token"])
    kind = call.body.get("type")
    errors = FormErrors()
    if kind not in _allowed(use):
        errors.choice("type")
    data = call.body.get("data")
    if data is not None:
        Shape({}).check(data, ("data",), errors)
    errors.raise_any()
    HANDLERS[CallbackType(kind)](use, as_object(data), call.uploads)
    use.acknowledged = True
    call.world.changes.notify()
    return Answer(200, _callback(use, CallbackType(kind))) if call.flag("with_response") else NO_CONTENT


def _callback(use: Interaction, kind: CallbackType) -> Json:
    interaction: Json = {"id": str(use.id), "type": int(use.type), "channel_id": str(use.channel.id)}
    if use.channel.guild is not None:
        interaction["guild_id"] = str(use.channel.guild.id)
    if use.original is not None:
        interaction |= {
            "response_message_id": str(use.original.id),
            "response_message_loading": use.original.loading,
            "response_message_ephemeral": use.original.ephemeral,
        }
    callback: Json = {"interaction": interaction}
    if use.original is not None and kind in (CallbackType.MESSAGE, CallbackType.UPDATE):
        callback["resource"] = {"type": int(kind), "message": use.original.payload()}
    return callback


ROUTES = [
    Route(
        "POST",
        "/interactions/{interaction_id}/{interaction_token}/callback",
        answer_interaction,
        token_free=True,
    )
]
