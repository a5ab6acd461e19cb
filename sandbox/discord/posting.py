"""Creating, editing and deleting messages, with the events that follow."""

from __future__ import annotations

import asyncio
import mimetypes
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from .attachment_rules import kept
from .component_answers import answered
from .errors import integer
from .message_rules import check_message, empty_message
from .messages import CODE, USER_MENTION, Message, MessageFlag, Version
from .payload import Json, as_object, as_objects, without_nulls
from .threads import check_edit, take_up

if TYPE_CHECKING:
    from .channels import Channel
    from .people import User

# What an application may set when it sends, and change when it edits.
SETTABLE = (
    MessageFlag.SUPPRESS_EMBEDS | MessageFlag.EPHEMERAL | MessageFlag.SUPPRESS_NOTIFICATIONS | MessageFlag.COMPONENTS_V2
)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of a multipart request; ``index`` is the n of ``files[n]``."""

    index: int
    filename: str
    data: bytes
    content_type: str | None = None


def new_message(channel: Channel, author: User, **fields: Any) -> Message:
    """A message that is in its channel, but not announced yet. Raises 50083, 160005 in a locked thread."""
    take_up(channel, author)
    message = Message(channel.world.ids.new(), channel, author, **fields)
    channel.all_messages[message.id] = message
    return message


def announce(message: Message, event: str) -> None:
    """Tell the bot of a message, unless it is ephemeral: those are sent to their reader alone."""
    if message.ephemeral:
        message.channel.world.changes.notify()
    else:
        message.channel.publish(event, message.event_payload())


def create(channel: Channel, author: User, body: Json, uploads: list[Upload], **fields: Any) -> Message:
    """Send a checked body as a new message. Raises as ``check_body``, then as ``new_message``."""
    flags = check_body(body, uploads)
    message = new_message(channel, author, **fields)
    fill(message, body, uploads, flags)
    announce(message, "MESSAGE_CREATE")
    return message


def check_body(body: Json, uploads: list[Upload], *prefix: str) -> MessageFlag:
    """The flags of a new message's body. Raises ``DiscordError`` where Discord refuses it."""
    flags = MessageFlag(integer(body.get("flags"), *prefix, "flags")) & SETTABLE
    check_message(body, flags, uploads, *prefix)
    if not uploads and not any(body.get(name) for name in ("content", "embeds", "components")):
        raise empty_message()
    return flags


def fill(message: Message, body: Json, uploads: list[Upload], flags: MessageFlag) -> None:
    """Give a new or a deferred message its first text."""
    message.flags |= flags
    message.nonce = body.get("nonce", message.nonce)
    message.tts = bool(body.get("tts"))
    _set_mentions(message, str(body.get("content") or ""), body.get("allowed_mentions"))
    attachments = _attachments(message, body, uploads)
    message.show(
        _now(),
        content=str(body.get("content") or ""),
        embeds=_embeds(body.get("embeds")),
        components=_components(message, body.get("components"), attachments),
        attachments=attachments,
    )


def edit(message: Message, body: Json, uploads: list[Upload], *prefix: str) -> None:
    """Change what the body names. Raises 50006, 30015, 50035, 50083 and 160005.

    IS_COMPONENTS_V2 can be set and not taken back (discord.com/developers/docs/resources/message#edit-message); a body
    that leaves it out of its flags is read without it (github.com/discord-net/Discord.Net/issues/3132).
    """
    check_edit(message.channel, message.author)
    flags = read_by = message.flags
    if body.get("flags") is not None:
        changeable = MessageFlag.SUPPRESS_EMBEDS | MessageFlag.COMPONENTS_V2
        read_by = MessageFlag(integer(body["flags"], *prefix, "flags")) & changeable
        flags = (flags & ~MessageFlag.SUPPRESS_EMBEDS) | read_by
    check_message(body, read_by, uploads, *prefix, there=message.shown, stays=flags)
    changes: Json = {}
    if "content" in body:
        changes["content"] = str(body["content"] or "")
    if "embeds" in body:
        changes["embeds"] = _embeds(body["embeds"])
    if uploads or body.get("attachments") is not None:
        changes["attachments"] = _attachments(message, body, uploads)
    if "components" in body:
        attachments = changes.get("attachments", message.attachments)
        changes["components"] = _components(message, body["components"], attachments)
    now = {name: changes.get(name, getattr(message, name)) for name in Version.__slots__ if name != "at"}
    if not any(now.values()):
        raise empty_message()
    message.flags = flags
    if "content" in body:
        _set_mentions(message, now["content"], body.get("allowed_mentions"))
    message.show(_now(), **changes)
    announce(message, "MESSAGE_UPDATE")


def delete(message: Message) -> None:
    message.deleted = True
    channel = message.channel
    data = {"id": str(message.id), "channel_id": str(channel.id)}
    if channel.guild is not None:
        data["guild_id"] = str(channel.guild.id)
    if message.ephemeral:
        channel.world.changes.notify()
    else:
        channel.publish("MESSAGE_DELETE", data)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _embeds(value: Any) -> list[Json]:
    embeds = [{"type": "rich"} | embed for embed in as_objects(without_nulls(value))]
    for embed in embeds:
        if "fields" in embed:
            embed["fields"] = [{"inline": False} | field for field in as_objects(embed["fields"])]
    return embeds


def _components(message: Message, components: Any, attachments: list[Json]) -> list[Json]:
    return answered(as_objects(without_nulls(components)), attachments, message.channel.world.ids.new)


def _set_mentions(message: Message, content: str, allowed: Any) -> None:
    """Who is pinged (discord.com/developers/docs/resources/message#allowed-mentions-object)."""
    users = message.channel.world.users
    rules = as_object(allowed)
    # Answers to interactions ping users only where nothing is said; messages ping everything.
    kinds = ["users"] if message.interaction else ["users", "roles", "everyone"]
    parse = rules.get("parse") or [] if allowed is not None else kinds
    named = set(map(int, rules.get("users") or []))
    found = [int(user_id) for user_id in USER_MENTION.findall(CODE.sub("", content))]
    message.mentions = [
        users[user_id]
        for user_id in dict.fromkeys(found)
        if user_id in users and ("users" in parse or user_id in named)
    ]
    everyone = "everyone" in parse and ("@everyone" in content or "@here" in content)
    message.mention_everyone = everyone and message.channel.may_mention_everyone(message.author)
    answered = message.reference.author if message.reference is not None else None
    pings = rules.get("replied_user", False) if allowed is not None else True
    if answered is not None and pings and answered not in message.mentions:
        message.mentions.append(answered)


def _attachments(message: Message, body: Json, uploads: list[Upload]) -> list[Json]:
    """Kept attachments and new ones."""
    described = {str(item["id"]): item for item in as_objects(body.get("attachments"))}
    new = [store(message.channel, upload, described.get(str(upload.index), {})) for upload in uploads]
    for attachment in new:
        if message.ephemeral:
            attachment["ephemeral"] = True
    return kept(body, message.attachments) + new


def store(channel: Channel, upload: Upload, described: Json) -> Json:
    """Put a file on the CDN; returns the attachment object."""
    world = channel.world
    attachment_id = world.ids.new()
    filename = str(described.get("filename") or upload.filename)
    url = f"{world.cdn_url}/attachments/{channel.id}/{attachment_id}/{quote(filename)}"
    world.attachments[attachment_id] = upload.data
    guessed = upload.content_type or mimetypes.guess_type(filename)[0]
    attachment: Json = {
        "id": str(attachment_id),
        "filename": filename,
        "size": len(upload.data),
        "url": url,
        "proxy_url": url,
        "content_type": guessed or "application/octet-stream",
    }
    if described.get("description"):
        attachment["description"] = described["description"]
    return attachment
