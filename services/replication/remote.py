"""The edge to Supabase: the only module that imports its client, and where its errors become ours."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import time
from typing import Any, Self

import httpx
from postgrest.exceptions import APIError
from postgrest.types import ReturnMethod
from supabase import AsyncClient, AsyncClientOptions, acreate_client

from services.commands import Outcome, QueuedCommand
from services.replication.faults import Refused, TooSlow, Transient, fault_of

TIMEOUT = httpx.Timeout(10.0, connect=5.0)
Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SessionAnswer:
    """What the database has for a guild after `apply_sessions`."""

    guild_id: str
    revision: int


@dataclass(frozen=True, slots=True)
class Claim:
    """What `claim_commands` gave."""

    taken: list[QueuedCommand]
    asked: list[str]
    """The guilds of pending commands that were not claimed."""


# The client keeps neither status nor headers of a failed answer; a hook of httpx's does, in the request's own task.
_answer: ContextVar[httpx.Response | None] = ContextVar("answer", default=None)


async def _keep_answer(response: httpx.Response) -> None:
    _answer.set(response)


class Remote:
    """A Supabase project's tables. Every method raises a `RemoteFault` where it did not work."""

    def __init__(self, client: AsyncClient, http: httpx.AsyncClient) -> None:
        self._client = client
        self._http = http

    @classmethod
    async def open(cls, url: str, key: str) -> Self:
        """A client for the project at `url`; nothing is sent yet."""
        http = httpx.AsyncClient(timeout=TIMEOUT, http2=False, event_hooks={"response": [_keep_answer]})
        options = AsyncClientOptions(
            httpx_client=http, auto_refresh_token=False, persist_session=False, postgrest_client_retry=False
        )
        return cls(await acreate_client(url, key, options), http)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def upsert(self, table: str, items: list[Item], key: str) -> None:
        """Write rows whole; the database keeps what is newer than them."""
        rows: Any = self._client.table(table)
        await self._ask(table, rows.upsert(items, on_conflict=key, returning=ReturnMethod.minimal).execute)

    async def apply_sessions(self, items: list[Item]) -> list[SessionAnswer]:
        """Write and delete session rows in one transaction."""
        request = self._client.rpc("apply_sessions", {"items": items})  # pyright: ignore[reportArgumentType] - any JSON is taken
        answer: Any = await self._ask("apply_sessions", request.execute)
        return [SessionAnswer(row["guild_id"], row["revision"]) for row in answer.data]

    async def highest_revision(self, table: str) -> int:
        """The highest revision of a table that several stores may write; 0 where it is empty."""
        request = self._client.table(table).select("revision").order("revision", desc=True).limit(1)
        answer: Any = await self._ask(table, request.execute)
        return answer.data[0]["revision"] if answer.data else 0

    async def sessions_of(self, application_id: str) -> list[str]:
        """The guilds with a session row of this application's or, from an older bot, of nobody's."""
        request = (
            self._client.table("active_sessions")
            .select("guild_id")
            .or_(f"application_id.eq.{application_id},application_id.is.null")
        )
        answer: Any = await self._ask("active_sessions", request.execute)
        return [row["guild_id"] for row in answer.data]

    async def claim_commands(self, claimer: str, guilds: list[str]) -> Claim:
        """Claim what is pending for `guilds` and what names no guild; the same `claimer` gets the same ones again."""
        request = self._client.rpc("claim_commands", {"claimer": claimer, "guilds": guilds})
        answer: Any = await self._ask("claim_commands", request.execute)
        taken = [
            QueuedCommand(row["id"], row["command"], row["payload"], float(row["age_s"]))
            for row in answer.data["taken"]
        ]
        return Claim(taken, answer.data["asked"])

    async def finish_commands(self, outcomes: list[Outcome]) -> None:
        """Tell what became of claimed commands."""
        items: list[Item] = [
            {"id": each.id, "status": "failed" if each.error else "completed", "error": each.error} for each in outcomes
        ]
        request = self._client.rpc("finish_commands", {"outcomes": items})  # pyright: ignore[reportArgumentType] - any JSON is taken
        await self._ask("finish_commands", request.execute)

    async def _ask(self, table: str, execute: Callable[[], Awaitable[object]]) -> object:
        _answer.set(None)
        try:
            return await execute()
        except APIError as error:
            response = _answer.get()
            status = response.status_code if response is not None else None
            # A gateway's page has no code of PostgreSQL's: the client gives the HTTP status in its place.
            code = None if error.code is None or (error.code.isdigit() and len(error.code) == 3) else error.code
            retry_after = _retry_after(response.headers.get("Retry-After")) if response is not None else None
            raise fault_of(status, code, _short(error.message), table, retry_after) from error
        except httpx.TimeoutException as error:
            raise TooSlow(f"{table}: no answer in time ({type(error).__name__})") from error
        except httpx.HTTPError as error:
            raise Transient(f"{table}: {type(error).__name__} {_short(str(error))}".strip()) from error
        except (UnicodeError, ValueError) as error:
            raise Refused(f"{table}: {type(error).__name__}") from error


def _short(text: str | None) -> str:
    return " ".join((text or "").split())[:300]


def _retry_after(header: str | None) -> float | None:
    if not header:
        return None
    if header.isdigit():
        return float(header)
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time())
    except ValueError:
        return None
