"""One request to Supabase and its answer: where the client's errors become ours, and another's answer is told apart."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from time import time
from typing import Any

import httpx
from postgrest.exceptions import APIError

from services.replication.clock_offset import ClockOffset
from services.replication.faults import Paused, Refused, TooSlow, Transient, fault_of, not_supabase
from services.replication.http_time import retry_after, seconds_of

TIMEOUT = httpx.Timeout(10.0, connect=5.0)
WHOLE_SECONDS = 20.0
"""For a request in all: httpx's own time-out begins anew with every byte that a slow server lets drip."""
Item = dict[str, Any]
Execute = Callable[[], Awaitable[Any]]
"""The `execute` of a request that the client has built."""

# The client keeps neither status nor headers of a failed answer; a hook of httpx's does, in the request's own task.
_answer: ContextVar[httpx.Response | None] = ContextVar("answer", default=None)


class Exchange:
    """Carries requests out, each with an end in all."""

    def __init__(self) -> None:
        self.http = httpx.AsyncClient(
            timeout=TIMEOUT, http2=False, event_hooks={"request": [_note_time], "response": [_keep_answer]}
        )
        self.unsigned = False
        """Whether something on the way takes PostgREST's headers off: what was written could be read, though."""
        self.clock = ClockOffset()

    @property
    def answer(self) -> httpx.Response | None:
        """What this task's last request was answered with, or None."""
        return _answer.get()

    async def data(self, execute: Execute) -> Any:
        """Whatever was answered.

        Raises:
            APIError, httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError: it did not work.
        """
        _answer.set(None)
        async with asyncio.timeout(WHOLE_SECONDS):
            return (await execute()).data

    async def rows(
        self, table: str, execute: Execute, items: Sequence[Item] = (), *, silent: bool = False
    ) -> list[Any]:
        """The rows of the answer to a request with `items`; `silent` where PostgREST says nothing.

        Raises:
            RemoteFault: it did not work.
        """
        try:
            rows = await self.data(execute)
        except APIError as error:
            response = self.answer
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
        response = self.answer
        if response is None or not isinstance(rows, list) or bool(response.content) is silent:
            raise not_supabase(table, response.status_code if response is not None else 200)
        # PostgREST gives every answer a range; no rows at all, and no range, may be anybody's.
        if not rows and not silent and "Content-Range" not in response.headers and not self.unsigned:
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


def _short(text: str | None) -> str:
    return " ".join((text or "").split())[:300]
