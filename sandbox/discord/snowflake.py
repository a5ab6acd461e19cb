"""Snowflake ids (discord.com/developers/docs/reference#snowflakes)."""

import time
from datetime import UTC, datetime

DISCORD_EPOCH_MS = 1_420_070_400_000
GUILD_AGE_MS = 365 * 24 * 3600 * 1000


class Snowflakes:
    """Makes ids that are unique and rise with time."""

    def __init__(self) -> None:
        self._last = 0
        # Shards are told apart by the id's millisecond, so guilds made in one moment get one each.
        self._last_guild = (time_ms() - GUILD_AGE_MS) << 22

    def new(self) -> int:
        self._last = max(time_ms() << 22, self._last + 1)
        return self._last

    def new_guild(self) -> int:
        self._last_guild += 1 << 22
        return self._last_guild


def time_ms() -> int:
    """Milliseconds since Discord's epoch."""
    return int(time.time() * 1000) - DISCORD_EPOCH_MS


def iso_now() -> str:
    """The time now as Discord writes it: ISO 8601 in UTC with microseconds."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def iso_of(snowflake: int) -> str:
    """When this id was made, as Discord writes times."""
    seconds = ((snowflake >> 22) + DISCORD_EPOCH_MS) / 1000
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")


def shard_of(guild_id: int | None, shards: int) -> int:
    """The shard that gets a guild's events; direct messages go to shard 0."""
    return 0 if guild_id is None else (guild_id >> 22) % shards
