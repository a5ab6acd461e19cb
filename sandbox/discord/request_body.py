"""Reading what a client sends (discord.com/developers/docs/reference#uploading-files)."""

from __future__ import annotations

import json
import re
from typing import Any

from aiohttp import BodyPartReader, web

from .errors import DiscordError, invalid_form, invalid_json
from .interaction_events import ATTACHMENT_SIZE_LIMIT
from .posting import Upload

FILE_FIELD = re.compile(r"files\[(\d+)\]")


async def read_body(request: web.Request) -> tuple[Any, list[Upload]]:
    """The JSON body (None where there is none) and the files. Raises 50109, 50035 and 40005."""
    if not request.can_read_body:
        return None, []
    if request.content_type == "multipart/form-data":
        try:
            body, uploads = await _read_multipart(request)
        except ValueError as error:
            raise invalid_form(str(error)) from error
        if sum(len(upload.data) for upload in uploads) > ATTACHMENT_SIZE_LIMIT:
            raise DiscordError(413, 40005, "Request entity too large")
        return body, uploads
    if request.content_type != "application/json":
        message = 'Expected "Content-Type" header to be one of {"application/json", "multipart/form-data"}.'
        errors = {"_errors": [{"code": "CONTENT_TYPE_INVALID", "message": message}]}
        raise DiscordError(400, 50035, "Invalid Form Body", errors)
    return _parse(await request.read()), []


async def _read_multipart(request: web.Request) -> tuple[Any, list[Upload]]:
    """Raises ``ValueError`` for parts that Discord does not document, or that this stand-in does not know.

    Life takes a file by any name, and does not promise to (github.com/discord/discord-api-docs/issues/2064); one
    without a filename is no file to it (github.com/discord/discord-api-docs/pull/930).
    """
    body: Any = None
    uploads: list[Upload] = []
    async for part in await request.multipart():
        assert isinstance(part, BodyPartReader)
        data = bytes(await part.read(decode=True))
        if part.name == "payload_json":
            body = _parse(data)
        elif found := FILE_FIELD.fullmatch(part.name or ""):
            content_type = part.headers.get("Content-Type")
            if not part.filename:
                raise ValueError(f"{part.name} has no filename")
            if any(upload.index == int(found[1]) for upload in uploads):
                raise ValueError(f"{part.name} is there twice")
            uploads.append(Upload(int(found[1]), part.filename, data, content_type))
        else:
            raise ValueError(f"a part is named {part.name}, and not files[n] or payload_json")
    return body, uploads


def _parse(data: bytes) -> Any:
    if not data:
        return None
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise invalid_json() from None
