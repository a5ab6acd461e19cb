"""What a shard asks for over its connection: a place in voice, and members."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from . import voice
from .frame import undecodable
from .intents import Intent
from .payload import Json
from .snowflake import shard_of

if TYPE_CHECKING:
    from .guilds import Guild
    from .shard_session import Session
    from .world import World


def change_voice_state(world: World, session: Session, asked: Json) -> None:
    """Op 4: put the bot into a voice channel, or take it out. Raises ``Refused`` with 4002."""
    guild = _guild(world, session, asked)
    if guild is None:
        return
    if asked.get("channel_id") is None:
        voice.remove(guild.me)
        return
    channel = world.channels.get(_snowflake(asked["channel_id"]))
    # Discord answers an impossible wish with silence.
    if channel in guild.channels and voice.may_connect(guild.me, channel):
        flags = {name: bool(asked.get(name)) for name in ("self_mute", "self_deaf")}
        voice.place(guild.me, channel, session.id, **flags)


def send_members(world: World, session: Session, asked: Json) -> None:
    """Op 8: the members of these ids, or whose name begins like this. Raises ``Refused`` with 4002."""
    guild = _guild(world, session, asked)
    wanted: Any = asked.get("user_ids") or []
    ids = {_snowflake(user_id) for user_id in (cast(list[Any], wanted) if isinstance(wanted, list) else [wanted])}
    query, limit = asked.get("query", ""), asked.get("limit", 0)
    if not isinstance(query, str) or type(limit) is not int or limit < 0:
        raise undecodable()
    if guild is None or (not ids and not query and not session.intents & Intent.GUILD_MEMBERS):
        return
    found = [
        member.payload()
        for member in guild.members.values()
        if (member.id in ids if ids else member.name.casefold().startswith(query.casefold()))
    ]
    chunk: Json = {"guild_id": str(guild.id), "members": found[: limit or None]}
    chunk |= {"chunk_index": 0, "chunk_count": 1, "not_found": [], "nonce": asked.get("nonce")}
    session.dispatch("GUILD_MEMBERS_CHUNK", chunk, guild.id)


def _guild(world: World, session: Session, asked: Json) -> Guild | None:
    """The server that is meant, if the shard has it, and it is there."""
    guild = world.guilds.get(_snowflake(asked.get("guild_id")))
    if guild is None or not (guild.has_bot and guild.available):
        return None
    return guild if shard_of(guild.id, session.shards) == session.shard else None


def _snowflake(value: Any) -> int:
    if not isinstance(value, str) and type(value) is not int:
        raise undecodable()
    try:
        return int(value)
    except ValueError:
        raise undecodable() from None
