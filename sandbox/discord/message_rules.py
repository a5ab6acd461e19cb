"""What Discord refuses in a message's body (code 50035, 30015 for too many files, 50006 for an empty one)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .attachment_rules import ATTACHMENTS, check_amount, check_files
from .component_fields import LAYOUT, LEGACY
from .component_rules import check_components, check_layout
from .embed_rules import EMBEDS, check_embeds
from .errors import DiscordError, FormErrors
from .fields import Choice, Flag, Listed, Nonce, Rule, Shape, Snowflake, Text, Whole
from .messages import MessageFlag, Version
from .payload import Json, as_object, as_objects

if TYPE_CHECKING:
    from .posting import Upload

CONTENT_LIMIT = 2000
LEGACY_FIELDS = ("content", "embeds")

_IDS = Listed(Snowflake(), 0, 100, once=True)
_MENTIONS = Shape(
    {},
    {
        "parse": Listed(Choice(("users", "roles", "everyone")), 0, 3, once=True),
        "users": _IDS,
        "roles": _IDS,
        "replied_user": Flag(),
    },
)
_REFERENCE = Shape(
    {"message_id": Snowflake()},
    {"channel_id": Snowflake(), "guild_id": Snowflake(), "fail_if_not_exists": Flag(), "type": Choice((0, 1))},
)
_FIELDS: Mapping[str, Rule] = {
    "content": Text(0, CONTENT_LIMIT),
    "embeds": EMBEDS,
    "allowed_mentions": _MENTIONS,
    "attachments": ATTACHMENTS,
    "flags": Whole(-(2**63), 2**63 - 1),
    "tts": Flag(),
    "nonce": Nonce(),
    "enforce_nonce": Flag(),
    "message_reference": _REFERENCE,
    "sticker_ids": Listed(Snowflake(), 0, 3),
}
LEGACY_MESSAGE = Shape({}, {**_FIELDS, "components": LEGACY})
LAYOUT_MESSAGE = Shape({}, {**_FIELDS, "components": LAYOUT})


def check_fields(body: Json, flags: MessageFlag, *prefix: str) -> None:
    """Raise 50035 naming every field that is wrong in itself; ``prefix`` is where the body sits in the request."""
    errors = FormErrors(*prefix)
    shape = LAYOUT_MESSAGE if flags & MessageFlag.COMPONENTS_V2 else LEGACY_MESSAGE
    shape.check(body, (), errors)
    errors.raise_any()


def check_message(
    body: Json,
    flags: MessageFlag,
    uploads: list[Upload],
    *prefix: str,
    there: Version | None = None,
    stays: MessageFlag | None = None,
) -> None:
    """Raise 50035 or 30015.

    Of an edit, ``there`` is what the message shows, ``flags`` what the body is read by, ``stays`` what the message
    will have.
    """
    check_fields(body, flags, *prefix)
    shown = there or Version(0.0)
    errors = FormErrors(*prefix)
    if (flags if stays is None else stays) & MessageFlag.COMPONENTS_V2:
        _check_legacy(body, shown, errors)
        check_layout(as_objects(body.get("components")), errors)
    _check_mentions(as_object(body.get("allowed_mentions")), errors)
    check_embeds(as_objects(body.get("embeds")), errors)
    check_components(as_objects(body.get("components")), errors)
    check_files(body, uploads, shown.attachments, errors)
    errors.raise_any()
    check_amount(body, uploads, shown.attachments)


def _check_legacy(body: Json, shown: Version, errors: FormErrors) -> None:
    """Neither the body nor what it leaves in place may go beside components v2.

    Content goes by null, but embeds only by an empty array (github.com/discord/discord-api-docs/issues/7787).
    """
    left = {
        "content": body.get("content", shown.content),
        "embeds": shown.embeds if body.get("embeds") is None else body["embeds"],
    }
    for name in LEGACY_FIELDS:
        if left[name]:
            code = "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2"
            message = f"The '{name}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2"
            errors.add((name,), code, message)


def _check_mentions(allowed: Json, errors: FormErrors) -> None:
    """discord.com/developers/docs/resources/message#allowed-mentions-object, the invalid example."""
    for kind in ("users", "roles"):
        if kind in (allowed.get("parse") or []) and allowed.get(kind):
            message = f'parse:["{kind}"] and {kind}: [ids...] are mutually exclusive.'
            errors.add(("allowed_mentions",), "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", message)


def empty_message() -> DiscordError:
    return DiscordError(400, 50006, "Cannot send an empty message")
