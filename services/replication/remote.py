"""The edge to Supabase: what is asked of a project, table by table and function by function."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any, Self

import httpx
from postgrest.exceptions import APIError
from postgrest.types import ReturnMethod
from supabase import AsyncClient, AsyncClientOptions, acreate_client

from services.commands import Outcome, QueuedCommand
from services.replication.answers import Claim, StateRow
from services.replication.clock_offset import ClockOffset
from services.replication.exchange import Exchange, Item
from services.replication.faults import NotSupabase, Paused, not_supabase
from services.store.clock import NO_CLOCKS
from services.store.ledger import Month

log = logging.getLogger("bot.replication")

PAGE_ROWS = 1000
"""Rows a request: Supabase gives no more, a PostgREST of one's own would give a whole table."""
_MERGED = "resolution=merge-duplicates"
_COST = ("id", "event_id", "guild_id", "model", "prompt_tokens", "completion_tokens", "total_tokens")


class Remote:
    """A Supabase project's tables. Every method raises a `RemoteFault` where it did not work."""

    def __init__(self) -> None:
        self._exchange = Exchange()
        self._client: AsyncClient
        self.has_queue = True
        """False only where the database has said that there is no `command_queue`."""

    @property
    def clock(self) -> ClockOffset:
        """How far this machine's clock is from the database's."""
        return self._exchange.clock

    @classmethod
    async def open(cls, url: str, key: str) -> Self:
        """A client for the project at `url`; nothing is sent yet."""
        remote = cls()
        options = AsyncClientOptions(
            httpx_client=remote._exchange.http,
            auto_refresh_token=False,
            persist_session=False,
            postgrest_client_retry=False,
        )
        remote._client = await acreate_client(url, key, options)
        return remote

    async def aclose(self) -> None:
        """Close the connections."""
        await self._exchange.http.aclose()

    async def upsert(self, table: str, items: list[Item], key: str) -> None:
        """Write rows whole; the database keeps what is newer than them."""
        rows: Any = self._client.table(table)
        request = rows.upsert(items, on_conflict=key, returning=ReturnMethod.minimal)
        try:
            await self._exchange.rows(table, request.execute, items, silent=True)
        except NotSupabase:
            # A missing table too is answered with 404 and `{}` (seen on 12.0.2): a read says what is the matter.
            await self._has(table, key, items[-1])
            raise
        answer = self._exchange.answer
        # PostgREST names the preferences that it heeded, also where nothing was changed ("Prefer header" in its
        # documentation; seen on 12.0.2). Another program's empty answer would lose the rows, so it has to be proved.
        heeded = answer is not None and _MERGED in answer.headers.get("Preference-Applied", "")
        if heeded:
            return
        if not await self._has(table, key, items[-1]):
            raise not_supabase(table, answer.status_code if answer is not None else 200)
        self._exchange.unsigned = True

    async def _has(self, table: str, key: str, item: Item) -> bool:
        request = self._client.table(table).select("revision").eq(key, item[key])
        rows = await self._exchange.rows(table, request.execute)
        return any(row["revision"] >= item["revision"] for row in rows)

    async def apply_sessions(self, items: list[Item]) -> dict[str, int]:
        """Write and delete session rows in one transaction; the revision that the database now has, by guild."""
        request = self._client.rpc("apply_sessions", {"items": items})  # pyright: ignore[reportArgumentType] - any JSON is taken
        rows = await self._exchange.rows("apply_sessions", request.execute, items)
        answers = {str(row["guild_id"]): row["revision"] for row in rows if _is_revision(row)}
        if not all(item["guild_id"] in answers for item in items):
            raise Paused(
                "apply_sessions gave no answer, or not this release's: apply the files of migrations/ in order, and "
                "look whether SUPABASE_URL is the project's"
            )
        return answers

    async def remove_without_clock(self, table: str, key: str, value: str) -> None:
        """Remove a row whose revision no clock can have given: it cannot be lowered, only written anew."""
        rows: Any = self._client.table(table)
        request = rows.delete(returning=ReturnMethod.minimal).eq(key, value).gte("revision", NO_CLOCKS)
        await self._exchange.rows(table, request.execute, silent=True)

    async def forget_revision(self, guild_id: str) -> None:
        """Take away a session's revision that no clock can have given, and the row that has one."""
        # The row goes first: it would bring its revision back.
        await self.remove_without_clock("active_sessions", "guild_id", guild_id)
        table: Any = self._client.table("session_revisions")
        request = table.update({"revision": 0}, returning=ReturnMethod.minimal)
        request = request.eq("guild_id", guild_id).gte("revision", NO_CLOCKS)
        await self._exchange.rows("session_revisions", request.execute, silent=True)

    async def highest_revision(self, table: str) -> int:
        """The highest revision of a table that several stores may write, of those that a clock can give; or 0."""
        request = (
            self._client.table(table).select("revision").lt("revision", NO_CLOCKS).order("revision", desc=True).limit(1)
        )
        rows = await self._exchange.rows(table, request.execute)
        return int(rows[0]["revision"]) if rows else 0

    async def revisions_of(self, table: str, key: str, keys: list[str]) -> dict[str, int]:
        """The revisions that the database has, by `key`; at most 50 `keys` fit in an address."""
        rows = await self._exchange.rows(
            table, self._client.table(table).select(key, "revision").in_(key, keys).execute
        )
        return {row[key]: row["revision"] for row in rows}

    async def sessions_of(self, application_id: str) -> list[tuple[str, str | None]]:
        """(guild, application) of each session row that is this application's or, from an older bot, nobody's."""
        found: list[tuple[str, str | None]] = []
        while True:  # a project may give fewer rows at a time than are asked for
            request = (
                self._client.table("active_sessions")
                .select("guild_id", "application_id")
                .or_(f"application_id.eq.{application_id},application_id.is.null")
                .gt("guild_id", found[-1][0] if found else "")
                .order("guild_id")
                .limit(PAGE_ROWS)
            )
            rows = await self._exchange.rows("active_sessions", request.execute)
            if not rows:
                return found
            found += [(row["guild_id"], row["application_id"]) for row in rows]

    async def states_after(self, key: str) -> list[StateRow]:
        """`bot_state` rows after `key`, in order; none where that was all of them."""
        request = self._client.table("bot_state").select("key", "value", "revision").gt("key", key).order("key")
        rows = await self._exchange.rows("bot_state", request.limit(PAGE_ROWS).execute)
        return [StateRow(row["key"], row["value"], row["revision"]) for row in rows]

    async def usage_after(self, month: Month, id: int) -> list[Item]:
        """What calls of a month have cost, from the row after `id`, in order; none where that was all of them."""
        request = (
            self._client.table("gemini_usage")
            .select(*_COST)
            .gte("created_at", month.begin.isoformat())
            .lt("created_at", month.end.isoformat())
            .gt("id", id)
            .order("id")
            .limit(PAGE_ROWS)
        )
        return await self._exchange.rows("gemini_usage", request.execute)

    async def settle_open_usage(self, before: datetime) -> None:
        """Mark calls that are open since before the aware time `before` as estimates, under the revision they have."""
        table: Any = self._client.table("gemini_usage")
        request = table.update({"status": "settled", "estimated": True}, returning=ReturnMethod.minimal)
        request = request.eq("status", "open").lt("created_at", before.isoformat())
        await self._exchange.rows("gemini_usage", request.execute, silent=True)

    async def claim_commands(self, claimer: str, guilds: list[str]) -> Claim:
        """Claim what is pending for `guilds` and what names no guild; the same `claimer` gets the same ones again."""
        if not self.has_queue:
            raise Paused("command_queue: the table is missing; apply the files of migrations/ in order")
        request = self._client.rpc("claim_commands", {"claimer": claimer, "guilds": guilds})
        rows = await self._exchange.rows("claim_commands", request.execute)
        return Claim(
            [QueuedCommand(row["id"], row["command"], row["payload"], row["age_s"]) for row in rows if row["id"]],
            [row["asked"] for row in rows if row["asked"]],
        )

    async def finish_commands(self, outcomes: list[Outcome]) -> None:
        """Tell what became of claimed commands."""
        items: list[Item] = [
            {"id": each.id, "status": "failed" if each.error else "completed", "error": each.error} for each in outcomes
        ]
        request = self._client.rpc("finish_commands", {"outcomes": items})  # pyright: ignore[reportArgumentType] - any JSON is taken
        await self._exchange.rows("finish_commands", request.execute, items)

    async def ask_report(self) -> None:
        """Have the database tell its time, for which the answers' own will do else, and whether it has a queue."""
        try:
            report = await self._exchange.data(self._client.rpc("schema_report", {}).execute)
            at = datetime.fromisoformat(report["time"]).timestamp()
        except (APIError, httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError, TypeError, KeyError) as error:
            log.debug("The database did not tell its time: %r", error)
            return
        tables = report.get("row_security")
        self.has_queue = not isinstance(tables, dict) or "command_queue" in tables
        if (answer := self._exchange.answer) is not None:
            self._exchange.clock.told(
                at, answer.request.extensions["sent_at"], answer.request.extensions["received_at"]
            )


def _is_revision(row: Any) -> bool:
    """Whether `row` is one of this release's `apply_sessions`; another function of that name may give anything."""
    return isinstance(row, dict) and "guild_id" in row and isinstance(row.get("revision"), int)  # pyright: ignore[reportUnknownMemberType]
