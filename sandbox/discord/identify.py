"""What an IDENTIFY must say, and READY, which answers it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from .frame import Refused, undecodable
from .intents import KNOWN, PRIVILEGED, Intent
from .payload import Json

if TYPE_CHECKING:
    from .guilds import Guild
    from .shard_session import Session
    from .world import World

GUILDS_OF_A_SHARD = 2500
# discord.com/developers/docs/resources/application#application-object-application-flags, for
# applications in fewer than 100 servers.
LIMITED_FLAGS = {
    Intent.GUILD_PRESENCES: 1 << 13,
    Intent.GUILD_MEMBERS: 1 << 15,
    Intent.MESSAGE_CONTENT: 1 << 19,
}


@dataclass(frozen=True, slots=True)
class Identify:
    shard: int
    shards: int
    intents: Intent


def check_identify(data: Json, token: str, world: World) -> Identify:
    """Raises ``Refused`` with 4002, 4004, 4010, 4011, 4013 or 4014."""
    if not isinstance(data.get("properties"), dict):
        raise undecodable()
    if data.get("token") != token:
        raise Refused(4004, "Authentication failed.")
    shard, shards = _shard(data.get("shard", [0, 1]))
    if len(world.bot_guilds()) > GUILDS_OF_A_SHARD * shards:
        raise Refused(4011, "Sharding required.")
    intents = data.get("intents")
    if type(intents) is not int or intents & ~KNOWN:
        raise Refused(4013, "Invalid intent(s).")
    if intents & PRIVILEGED & ~world.privileged_intents:
        raise Refused(4014, "Disallowed intent(s).")
    return Identify(shard, shards, Intent(intents))


def _shard(value: Any) -> tuple[int, int]:
    numbers = cast(list[Any], value) if isinstance(value, list) else []
    if len(numbers) != 2 or not all(type(number) is int for number in numbers):
        raise Refused(4010, "Invalid shard.")
    shard, shards = numbers
    if not 0 <= shard < shards:
        raise Refused(4010, "Invalid shard.")
    return shard, shards


def application_flags(world: World) -> int:
    return sum(flag for intent, flag in LIMITED_FLAGS.items() if intent & world.privileged_intents)


def ready_payload(world: World, session: Session, guilds: list[Guild], gateway_url: str) -> Json:
    return {
        "v": 10,
        "user": world.bot.own_payload(),
        "guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds],
        "session_id": session.id,
        "resume_gateway_url": gateway_url,
        "shard": [session.shard, session.shards],
        "application": {"id": str(world.bot.id), "flags": application_flags(world)},
        "session_type": "normal",
        "private_channels": [],
        "user_settings": {},
        "relationships": [],
        "presences": [],
        "guild_join_requests": [],
        "geo_ordered_rtc_regions": [],
        "_trace": [],
    }
