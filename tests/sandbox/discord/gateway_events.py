"""What Discord's documentation says of the gateway's events (discord.com/developers/docs/events/gateway-events).

An event is an object of the OpenAPI document, or has none there, and further fields: `name?:kind`, where `?` after
the name is a field that may be absent and `?` before the kind one that may be null.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tests import discord_openapi

KINDS = {"string": str, "integer": int, "boolean": bool, "object": dict, "array": list}
FIELD = re.compile(r"(?P<name>\w+)(?P<absent>\??):(?P<null>\??)(?P<kind>\w+)")
MEMBER_UPDATE = (
    "guild_id:string roles:array user:object nick?:?string avatar:?string banner:?string joined_at:?string "
    "premium_since?:?string deaf?:boolean mute?:boolean pending?:boolean communication_disabled_until?:?string "
    "flags?:integer avatar_decoration_data?:?object collectibles?:?object"
)
INTERACTION = (
    "id:string application_id:string type:integer data?:object guild?:object guild_id?:string channel?:object "
    "channel_id?:string member?:object user?:object token:string version:integer message?:object "
    "app_permissions:string locale?:string guild_locale?:string entitlements:array "
    "authorizing_integration_owners:object context?:integer attachment_size_limit:integer "
    # Not documented, but sent.
    "entitlement_sku_ids?:array"
)
READY = (
    "v:integer user:object guilds:array session_id:string resume_gateway_url:string shard?:array application:object "
    # Not documented, but sent.
    "session_type?:string private_channels?:array user_settings?:object relationships?:array presences?:array "
    "guild_join_requests?:array geo_ordered_rtc_regions?:array _trace?:array"
)
GUILD_CREATE = (
    "joined_at:string large:boolean unavailable?:boolean member_count:integer voice_states:array members:array "
    "channels:array threads:array presences:array stage_instances:array guild_scheduled_events:array "
    "soundboard_sounds:array"
)
EVENTS: dict[str, tuple[str, str]] = {
    "READY": ("", READY),
    "RESUMED": ("", "_trace?:array"),
    "GUILD_CREATE": ("GuildResponse", GUILD_CREATE),
    "GUILD_UPDATE": ("GuildResponse", ""),
    "GUILD_DELETE": ("", "id:string unavailable?:boolean"),
    "CHANNEL_CREATE": ("GuildChannelResponse", ""),
    "CHANNEL_UPDATE": ("GuildChannelResponse", ""),
    "CHANNEL_DELETE": ("GuildChannelResponse", ""),
    "THREAD_CREATE": ("ThreadResponse", "newly_created?:boolean"),
    "THREAD_UPDATE": ("ThreadResponse", ""),
    "GUILD_ROLE_CREATE": ("", "guild_id:string role:object"),
    "GUILD_ROLE_UPDATE": ("", "guild_id:string role:object"),
    "GUILD_ROLE_DELETE": ("", "guild_id:string role_id:string"),
    "GUILD_MEMBER_ADD": ("GuildMemberResponse", "guild_id:string"),
    "GUILD_MEMBER_UPDATE": ("", MEMBER_UPDATE),
    "GUILD_MEMBER_REMOVE": ("", "guild_id:string user:object"),
    "GUILD_MEMBERS_CHUNK": (
        "",
        "guild_id:string members:array chunk_index:integer chunk_count:integer not_found?:array presences?:array "
        "nonce?:?string",
    ),
    "VOICE_STATE_UPDATE": ("VoiceStateResponse", ""),
    "VOICE_SERVER_UPDATE": ("", "token:string guild_id:string endpoint:?string"),
    "MESSAGE_CREATE": ("MessageResponse", "guild_id?:string member?:object channel_type:integer"),
    "MESSAGE_UPDATE": ("MessageResponse", "guild_id?:string member?:object channel_type:integer"),
    "MESSAGE_DELETE": ("", "id:string channel_id:string guild_id?:string"),
    "MESSAGE_DELETE_BULK": ("", "ids:array channel_id:string guild_id?:string"),
    "INTERACTION_CREATE": ("", INTERACTION),
}
OWN_USER = "mfa_enabled:boolean locale?:string verified?:boolean email?:?string premium_type?:integer bio?:string"
# A server that is told of whole does not name itself in each of its channels.
GUILD_CHANNEL = (
    "id:string type:integer name:string position:integer flags:integer last_message_id?:?string "
    "rate_limit_per_user?:integer parent_id?:?string nsfw?:boolean topic?:?string permission_overwrites:array "
    "bitrate?:integer user_limit?:integer rtc_region?:?string"
)
PARTIAL_MEMBER = (
    "nick?:?string avatar?:?string banner?:?string roles:array joined_at:?string premium_since?:?string "
    "communication_disabled_until?:?string pending?:boolean flags:integer avatar_decoration_data?:?object "
    "collectibles?:?object"
)
RESOLVED_CHANNEL = (
    "id:string name:string type:integer permissions:string last_message_id?:?string last_pin_timestamp?:?string "
    "nsfw?:boolean parent_id?:?string guild_id?:string flags?:integer rate_limit_per_user?:integer topic?:?string "
    "position?:integer thread_metadata?:object"
)
# Objects within events: where, what it is in the OpenAPI document, further fields.
PARTS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "READY": (("user", "UserResponse", OWN_USER),),
    "GUILD_CREATE": (
        ("members.*", "GuildMemberResponse", ""),
        ("channels.*", "", GUILD_CHANNEL),
        ("threads.*", "ThreadResponse", ""),
        ("roles.*", "GuildRoleResponse", ""),
    ),
    "GUILD_ROLE_CREATE": (("role", "GuildRoleResponse", ""),),
    "GUILD_MEMBERS_CHUNK": (("members.*", "GuildMemberResponse", ""),),
    "MESSAGE_CREATE": (
        ("author", "UserResponse", ""),
        ("member", "", f"{PARTIAL_MEMBER} mute:boolean deaf:boolean"),
        ("mentions.*", "UserResponse", "member?:object"),
    ),
    "INTERACTION_CREATE": (
        ("member", "GuildMemberResponse", "permissions:string"),
        ("user", "UserResponse", ""),
        ("message", "MessageResponse", ""),
        ("data.resolved.users.*", "UserResponse", ""),
        ("data.resolved.members.*", "", f"{PARTIAL_MEMBER} permissions:string"),
        ("data.resolved.channels.*", "", RESOLVED_CHANNEL),
        ("data.resolved.roles.*", "GuildRoleResponse", ""),
        ("data.resolved.attachments.*", "AttachmentResponse", ""),
    ),
}


def faults(event: str, data: Any) -> Iterator[str]:
    """What is not as Discord documents it, in words."""
    schema, fields = EVENTS[event]
    yield from _faults(event, data, schema, fields)
    for where, part_schema, part_fields in PARTS.get(event, ()):
        for part in _parts(data, where.split(".")):
            yield from _faults(f"{event} {where}", part, part_schema, part_fields)


def _faults(what: str, data: Any, schema: str, fields: str) -> Iterator[str]:
    known: set[str] = set()
    for field in FIELD.finditer(fields):
        name = field["name"]
        known.add(name)
        if name not in data:
            if not field["absent"]:
                yield f"{what}: {name} is missing"
        elif not (field["null"] and data[name] is None) and type(data[name]) is not KINDS[field["kind"]]:
            yield f"{what}: {name} is no {field['kind']}: {data[name]!r}"
    if not schema:
        yield from (f"{what}: {name} is not documented" for name in data if name not in known)
    elif discord_openapi.given():
        pointer = f"/components/schemas/{schema}"
        if fault := discord_openapi.schema_fault(discord_openapi.ANSWERS, pointer, data):
            yield f"{what} as {schema}: {fault}"
        listed = discord_openapi.document()["components"]["schemas"][schema]["properties"]
        yield from (f"{what}: {name} is not documented" for name in data if name not in known | set(listed))


def _parts(data: Any, steps: list[str]) -> Iterator[Any]:
    if not steps:
        yield data
    elif steps[0] == "*":
        for part in data.values() if isinstance(data, dict) else data:
            yield from _parts(part, steps[1:])
    elif steps[0] in data:
        yield from _parts(data[steps[0]], steps[1:])
