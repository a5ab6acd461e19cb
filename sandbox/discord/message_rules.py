"""What Discord refuses in a message's body (code 50035, and 50006 for an empty one)."""

from __future__ import annotations

from typing import Any

from .component_rules import check_components
from .errors import DiscordError, FormErrors
from .messages import MessageFlag
from .payload import Json, as_object, as_objects

CONTENT_LIMIT = 2000
EMBEDS_LIMIT = 10
EMBED_TOTAL_LIMIT = 6000
EMBED_TEXTS = {"title": 256, "description": 4096}


def check_message(body: Json, flags: MessageFlag, *prefix: str) -> None:
    """Raise 50035 naming every wrong field; ``prefix`` is where the body sits in the request."""
    errors = FormErrors(*prefix)
    if body.get("content") is not None:
        errors.length(body["content"], 0, CONTENT_LIMIT, "content")
    if flags & MessageFlag.COMPONENTS_V2:
        for name in ("content", "embeds"):
            if body.get(name):
                code = "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2"
                message = f"The '{name}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2"
                errors.add((name,), code, message)
    _check_embeds(body.get("embeds") or [], errors)
    check_components(body.get("components") or [], bool(flags & MessageFlag.COMPONENTS_V2), errors)
    errors.raise_any()


def _check_embeds(embeds: Any, errors: FormErrors) -> None:
    if not isinstance(embeds, list):
        errors.add(("embeds",), "BASE_TYPE_BAD_TYPE", "Must be an array.")
        return
    listed = as_objects(embeds)  # pyright: ignore[reportUnknownArgumentType] -- it checks the items itself
    if len(listed) > EMBEDS_LIMIT:
        errors.add(("embeds",), "BASE_TYPE_MAX_LENGTH", f"Must be {EMBEDS_LIMIT} or fewer in length.")
    for index, embed in enumerate(listed):
        _check_embed(embed, index, errors)
    if sum(map(_embed_size, listed)) > EMBED_TOTAL_LIMIT:
        message = f"Embed size exceeds maximum size of {EMBED_TOTAL_LIMIT}"
        errors.add(("embeds",), "MAX_EMBED_SIZE_EXCEEDED", message)


def _check_embed(embed: Json, index: int, errors: FormErrors) -> None:
    at = ("embeds", index)
    for name, most in EMBED_TEXTS.items():
        if embed.get(name) is not None:
            errors.length(embed[name], 0, most, *at, name)
    if footer := as_object(embed.get("footer")):
        errors.length(footer.get("text", ""), 0, 2048, *at, "footer", "text")
    if author := as_object(embed.get("author")):
        errors.length(author.get("name", ""), 0, 256, *at, "author", "name")
    fields = as_objects(embed.get("fields"))
    if len(fields) > 25:
        errors.add((*at, "fields"), "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
    for number, field in enumerate(fields):
        for name, most in (("name", 256), ("value", 1024)):
            if not field.get(name):
                errors.required(*at, "fields", number, name)
            else:
                errors.length(field[name], 0, most, *at, "fields", number, name)
    _check_urls(embed, at, errors)


def _check_urls(embed: Json, at: tuple[str | int, ...], errors: FormErrors) -> None:
    places = [((*at, "url"), embed.get("url"))]
    images = ("image", "thumbnail")
    places += [((*at, name, "url"), as_object(embed.get(name)).get("url")) for name in images]
    for path, url in places:
        if url is not None and not str(url).startswith(("http://", "https://", "attachment://")):
            allowed = "('http', 'https', 'attachment')" if len(path) == 4 else "('http', 'https')"
            message = f'Scheme "{str(url).partition(":")[0]}" is not supported. Scheme must be one of {allowed}.'
            errors.add(path, "URL_TYPE_INVALID_SCHEME", message)


def _embed_size(embed: Json) -> int:
    texts: list[Any] = [embed.get("title"), embed.get("description")]
    texts += [as_object(embed.get("footer")).get("text"), as_object(embed.get("author")).get("name")]
    for field in as_objects(embed.get("fields")):
        texts += [field.get("name"), field.get("value")]
    return sum(len(text) for text in texts if isinstance(text, str))


def empty_message() -> DiscordError:
    return DiscordError(400, 50006, "Cannot send an empty message")
