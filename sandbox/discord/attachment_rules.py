"""What Discord refuses in a message's files (discord.com/developers/docs/reference#uploading-files)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .component_rules import media
from .errors import DiscordError, FormErrors
from .fields import Flag, Listed, Shape, Snowflake, Text
from .payload import Json, as_objects

if TYPE_CHECKING:
    from .posting import Upload

FILES_LIMIT = 10
REFERENCE = "attachment://"
ATTACHMENTS = Listed(
    Shape(
        {"id": Snowflake()},
        {
            "filename": Text(1, 1024),
            "description": Text(0, 1024),
            "title": Text(0, 1024),
            "is_spoiler": Flag(),
        },
    ),
    0,
    FILES_LIMIT,
)


def kept(body: Json, there: list[Json]) -> list[Json]:
    """Those of a message's attachments that stay; without an ``attachments`` array all do."""
    if body.get("attachments") is None:
        return there
    ids = {str(item["id"]) for item in as_objects(body["attachments"])}
    return [attachment for attachment in there if attachment["id"] in ids]


def check_files(body: Json, uploads: list[Upload], there: list[Json], errors: FormErrors) -> None:
    """Check that what a body says of files is said of one that comes along or is ``there``."""
    described = as_objects(body.get("attachments"))
    known = {str(upload.index) for upload in uploads} | {attachment["id"] for attachment in there}
    for index, item in enumerate(described):
        if str(item["id"]) not in known:
            # github.com/Cogmasters/concord/issues/78
            errors.add(("attachments", index), "ATTACHMENT_NOT_FOUND", "Attachment data not found")
    names = {attachment["filename"] for attachment in kept(body, there)}
    renamed = {str(item["id"]): item.get("filename") for item in described}
    names |= {renamed.get(str(upload.index)) or upload.filename for upload in uploads}
    for at, url in media(as_objects(body.get("components"))):
        if url.startswith(REFERENCE) and url.removeprefix(REFERENCE) not in names:
            # github.com/discord/discord-api-docs/issues/7754
            message = f'The referenced attachment ("{url}") was not found'
            errors.add(at, "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND", message)


def check_amount(body: Json, uploads: list[Upload], there: list[Json]) -> None:
    """Raises 30015."""
    if len(kept(body, there)) + len(uploads) > FILES_LIMIT:
        raise DiscordError(400, 30015, f"Maximum number of attachments in a message reached ({FILES_LIMIT})")
