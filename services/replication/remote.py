"""The edge to Supabase: the only module that imports its client, and where its errors become ours."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from datetime import datetime
from time import time
from typing import Any, Self

import httpx
from postgrest.exceptions import APIError
from postgrest.types import ReturnMethod
from supabase import AsyncClient, AsyncClientOptions, acreate_client

from services.commands import Outcome, QueuedCommand
from services.replication.answers import Claim, StateRow
from services.replication.clock_offset import ClockOffset
from services.replication.faults import NotSupabase, Paused, Refused, TooSlow, Transient, fault_of, not_supabase
from services.replication.http_time import retry_after, seconds_of
from services.store.clock import NO_CLOCKS
from services.store.ledger import Month

log = logging.getLogger("bot.replication")

TIMEOUT = httpx.Timeout(10.0, connect=5.0)
WHOLE_SECONDS = 20.0
"""For a request in all: httpx's own time-out begins anew with every byte that a slow server lets drip."""
Item = dict[str, Any]
PAGE_ROWS = 1000
"""Rows a request: Supabase gives no more, a PostgREST of one's own would give a whole table."""
_MERGED = "resolution=merge-duplicates"
_COST = ("id", "event_id", "guild_id", "model", "prompt_tokens", "completion_tokens", "total_tokens")


# The client keeps neither status nor headers of a failed answer; a hook of httpx's does, in the request's own task.
_answer: ContextVar[httpx.Response | None] = ContextVar("answer", default=None)


class Remote:
    """A Supabase project's tables. Every method raises a `RemoteFault` where it did not work."""

    def __init__(self) -> None:
        self._http = httpx.AsyncClient(
            timeout=TIMEOUT, http2=False, event_hooks={"request": [_note_time], "response": [_keep_answer]}
        )
        self._client: AsyncClient
        self._unsigned = False
        """Whether something on the way takes PostgREST's headers off: what was written could be read, though."""
        self.has_queue = True
        """False only where the database has said that there is no `command_queue`."""
        self.clock = ClockOffset()

    @classmethod
    async def open(cls, url: str, key: str) -> Self:
        """A client for the project at `url`; nothing is sent yet."""
        remote = cls()
        options = AsyncClientOptions(
            httpx_client=remote._http, auto_refresh_token=False, persist_session=False, postgrest_client_retry=False
        )
        remote._client = await acreate_client(url, key, options)
        return remote

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def upsert(self, table: str, items: list[Item], key: str) -> None:
        """Write rows whole; the database keeps what is newer than them."""
        rows: Any = self._client.table(table)
        request = rows.upsert(items, on_conflict=key, returning=ReturnMethod.minimal)
        try:
            await self._ask(table, request.execute, items, silent=True)
        except NotSupabase:
            # A missing table too is answered with 404 and `{}` (seen on 12.0.2): a read says what is the matter.
            await self._has(table, key, items[-1])
            raise
        answer = _answer.get()
        # PostgREST names the preferences that it heeded, also where nothing was changed ("Prefer header" in its
        # documentation; seen on 12.0.2). Another program's empty answer would lose the rows, so it has to be proved.
        heeded = answer is not None and _MERGED in answer.headers.get("Preference-Applied", "")
        if heeded:
            return
        if not await self._has(table, key, items[-1]):
            raise not_supabase(table, answer.status_code if answer is not None else 200)
        self._unsigned = True

    async def _has(self, table: str, key: str, item: Item) -> bool:
        request = self._client.table(table).select("revision").eq(key, item[key])
        rows = await self._ask(table, request.execute)
        return any(row["revision"] >= item["revision"] for row in rows)

    async def apply_sessions(self, items: list[Item]) -> dict[str, int]:
        """Write and delete session rows in one transaction; the revision that the database now has, by guild."""
        request = self._client.rpc("apply_sessions", {"items": items})  # pyright: ignore[reportArgumentType] - any JSON is taken
        rows = await self._ask("apply_sessions", request.execute, items)
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
        await self._ask(table, request.execute, silent=True)

    async def forget_revision(self, guild_id: str) -> None:
        """Take away a session's revision that no clock can have given, and the row that has one."""
        # The row goes first: it would bring its revision back.
        await self.remove_without_clock("active_sessions", "guild_id", guild_id)
        table: Any = self._client.table("session_revisions")
        request = table.update({"revision": 0}, returning=ReturnMethod.minimal)
        request = request.eq("guild_id", guild_id).gte("revision", NO_CLOCKS)
        await self._ask("session_revisions", request.execute, silent=True)

    async def highest_revision(self, table: str) -> int:
        """The highest revision of a table that several stores may write, of those that a clock can give; or 0."""
        request = (
            self._client.table(table).select("revision").lt("revision", NO_CLOCKS).order("revision", desc=True).limit(1)
        )
        rows = await self._ask(table, request.execute)
        return int(rows[0]["revision"]) if rows else 0

    async def revisions_of(self, table: str, key: str, keys: list[str]) -> dict[str, int]:
        """The revisions that the database has, by `key`; at most 50 `keys` fit in an address."""
        rows = await self._ask(table, self._client.table(table).select(key, "revision").in_(key, keys).execute)
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
            rows = await self._ask("active_sessions", request.execute)
            if not rows:
                return found
            found += [(row["guild_id"], row["application_id"]) for row in rows]

    async def states_after(self, key: str) -> list[StateRow]:
        """`bot_state` rows after `key`, in order; none where that was all of them."""
        request = self._client.table("bot_state").select("key", "value", "revision").gt("key", key).order("key")
        rows = await self._ask("bot_state", request.limit(PAGE_ROWS).execute)
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
        return await self._ask("gemini_usage", request.execute)

    async def claim_commands(self, claimer: str, guilds: list[str]) -> Claim:
        """Claim what is pending for `guilds` and what names no guild; the same `claimer` gets the same ones again."""
        if not self.has_queue:
            raise Paused("command_queue: the table is missing; apply the files of migrations/ in order")
        request = self._client.rpc("claim_commands", {"claimer": claimer, "guilds": guilds})
        rows = await self._ask("claim_commands", request.execute)
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
        await self._ask("finish_commands", request.execute, items)

    async def ask_report(self) -> None:
        """Have the database tell its time, for which the answers' own will do else, and whether it has a queue."""
        _answer.set(None)
        try:
            async with asyncio.timeout(WHOLE_SECONDS):
                report: Any = (await self._client.rpc("schema_report", {}).execute()).data
            at = datetime.fromisoformat(report["time"]).timestamp()
        except (APIError, httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError, TypeError, KeyError) as error:
            log.debug("The database did not tell its time: %r", error)
            return
        tables = report.get("row_security")
        self.has_queue = not isinstance(tables, dict) or "command_queue" in tables
        if (answer := _answer.get()) is not None:
            self.clock.told(at, answer.request.extensions["sent_at"], answer.request.extensions["received_at"])

    async def _ask(
        self, table: str, execute: Callable[[], Awaitable[Any]], items: Sequence[Item] = (), *, silent: bool = False
    ) -> list[Any]:
        """The rows of the answer to a request with `items`; `silent` where PostgREST says nothing."""
        _answer.set(None)
        try:
            async with asyncio.timeout(WHOLE_SECONDS):
                rows: Any = (await execute()).data
        except APIError as error:
            response = _answer.get()
            status = response.status_code if response is not None else None
            # A gateway's page has no code of PostgreSQL's: the client gives the HTTP status in its place.
            code = None if error.code is None or (error.code.isdigit() and len(error.code) == 3) else error.code
            wish = retry_after(response.headers.get("Retry-After")) if response is not None else None
            raise fault_of(status, code, _short(error.message), table, wish) from error
        except (httpx.TimeoutException, TimeoutError) as error:
            raise TooSlow(f"{table}: no answer in time ({type(error).__name__})") from error
        except httpx.HTTPError as error:
            raise Transient(f"{table}: {type(error).__name__} {_short(str(error))}".strip()) from error
        except (UnicodeError, ValueError, httpx.InvalidURL) as error:
            if all(_is_sendable(item) for item in items):
                raise Paused(f"SUPABASE_URL cannot be used: {type(error).__name__}") from error
            raise Refused(f"{table}: {type(error).__name__}") from error
        # The client takes any answer below 300 for PostgREST's, a web page and an empty one too.
        response = _answer.get()
        if response is None or not isinstance(rows, list) or bool(response.content) is silent:
            raise not_supabase(table, response.status_code if response is not None else 200)
        # PostgREST gives every answer a range; no rows at all, and no range, may be anybody's.
        if not rows and not silent and "Content-Range" not in response.headers and not self._unsigned:
            raise not_supabase(table, response.status_code)
        # A gateway's page may have been dated by anybody.
        date = seconds_of(response.headers.get("Date"))
        if date is not None and (rows or "Content-Range" in response.headers):
            asked = response.request.extensions
            self.clock.seen(date, asked["sent_at"], asked["received_at"])
        return rows  # pyright: ignore[reportUnknownVariableType] - whatever JSON holds


async def _note_time(request: httpx.Request) -> None:
    request.extensions["sent_at"] = time()


async def _keep_answer(response: httpx.Response) -> None:
    response.request.extensions["received_at"] = time()
    _answer.set(response)


def _is_sendable(item: Item) -> bool:
    try:
        json.dumps(item, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        return False
    return True


def _is_revision(row: Any) -> bool:
    """Whether `row` is one of this release's `apply_sessions`; another function of that name may give anything."""
    return isinstance(row, dict) and "guild_id" in row and isinstance(row.get("revision"), int)  # pyright: ignore[reportUnknownMemberType]


def _short(text: str | None) -> str:
    return " ".join((text or "").split())[:300]
