"""What Gemini has cost this month, read here whatever Supabase does."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month in UTC."""

    begin: datetime
    end: datetime

    @classmethod
    def of(cls, at: datetime) -> Month:
        """The month that the aware time `at` is in."""
        begin = at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        return cls(begin, (begin + timedelta(days=32)).replace(day=1))

    @property
    def name(self) -> str:
        """Such as `2026-11`."""
        return f"{self.begin:%Y-%m}"


@dataclass(frozen=True, slots=True)
class Spent:
    """Tokens, by the API's own figures; thinking and tool use are in the total alone."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.total_tokens + other.total_tokens,
        )


@dataclass(frozen=True, slots=True)
class UsageTotal:
    """What calls that have no row in this store have cost."""

    guild_id: str | None
    """Null in a direct message."""
    model: str
    spent: Spent


def month_usage(connection: sqlite3.Connection, at: datetime, guild_id: str | None = None) -> dict[str, Spent]:
    """By model what `at`'s month has cost so far, in one guild or (None) everywhere. For `Store.read`.

    Calls from before this store began are in it once `Replicator.catching_up` is False.
    """
    month = Month.of(at)
    begin, end = (moment.isoformat(timespec="microseconds") for moment in (month.begin, month.end))
    tokens = "sum(prompt_tokens), sum(completion_tokens), sum(total_tokens)"
    here, whose = ("guild_id = ? AND", [guild_id]) if guild_id is not None else ("", [])
    found = connection.execute(
        f"SELECT model, {tokens} FROM (SELECT model, prompt_tokens, completion_tokens, total_tokens FROM gemini_usage "
        f"WHERE {here} created_at >= ? AND created_at < ? UNION ALL "
        "SELECT model, prompt_tokens, completion_tokens, total_tokens FROM usage_totals "
        f"WHERE {here} month = ?) GROUP BY model",
        [*whose, begin, end, *whose, month.name],
    )
    return {model: Spent(*spent) for model, *spent in found}
