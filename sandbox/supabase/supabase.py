"""A Supabase project on loopback."""

from __future__ import annotations

import asyncio
import inspect
import json
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, cast

from sandbox.chance import Chance
from sandbox.supabase.faults import Answer, Reset
from sandbox.supabase.gateway import Gateway, Request
from sandbox.supabase.keys import sign
from sandbox.supabase.parts import ROOT, require_postgrest
from sandbox.supabase.postgresql import PostgreSQL
from sandbox.supabase.postgrest import postgrest

MIGRATIONS = ROOT / "migrations"

_ORDER = {"active_sessions": "guild_id", "session_revisions": "guild_id", "bot_state": "key"}
"""What rows are sorted by; all other tables have a created_at."""


class Supabase:
    """A project: its URL, its keys, its rows, and the faults of the way to it.

    `service_role_key` and `anon_key` are JWTs; `secret_key` and `publishable_key` are the same in the newer,
    opaque format (supabase.com/docs/guides/api/api-keys).
    """

    def __init__(self, cluster: PostgreSQL, database: str, jwt_secret: str) -> None:
        self.service_role_key = sign("service_role", jwt_secret)
        self.anon_key = sign("anon", jwt_secret)
        self.secret_key = f"sb_secret_{secrets.token_urlsafe(24)}"
        self.publishable_key = f"sb_publishable_{secrets.token_urlsafe(24)}"
        self._cluster = cluster
        self._database = database
        self._gateway: Gateway

    @classmethod
    @asynccontextmanager
    async def start(cls, *, migrate: bool = True) -> AsyncGenerator[Supabase]:
        """A project on a cluster of its own, with `migrations/` applied or still empty.

        Raises RealPartMissing with the command that installs what is missing.
        """
        require_postgrest()
        async with PostgreSQL.start() as cluster:
            database = await cluster.create_supabase()
            if migrate:
                for migration in sorted(MIGRATIONS.glob("*.sql")):
                    await cluster.run(migration.read_text(), database)
            async with cls.on(cluster, database) as supabase:
                yield supabase

    @classmethod
    @asynccontextmanager
    async def on(cls, cluster: PostgreSQL, database: str) -> AsyncGenerator[Supabase]:
        """A project on a database that is already there."""
        jwt_secret = secrets.token_hex(32)
        supabase = cls(cluster, database, jwt_secret)
        tokens = {key: key for key in (supabase.service_role_key, supabase.anon_key)}
        tokens[supabase.secret_key] = supabase.service_role_key
        tokens[supabase.publishable_key] = supabase.anon_key
        async with AsyncExitStack() as stack:
            rest = await stack.enter_async_context(postgrest(cluster.uri(database, "authenticator"), jwt_secret))
            supabase._gateway = await stack.enter_async_context(Gateway.start(rest, tokens))
            yield supabase

    @property
    def url(self) -> str:
        """`SUPABASE_URL`; it stays the same through `down` and `up`."""
        return self._gateway.url

    @property
    def requests(self) -> list[Request]:
        """Every request so far, in the order in which they were answered or cut."""
        return self._gateway.requests

    @property
    def open_requests(self) -> int:
        """How many requests have come whole and are not answered yet."""
        return self._gateway.open_requests

    @property
    def dsn(self) -> str:
        """The superuser's connection URI."""
        return self._cluster.uri(self._database)

    async def rows(self, table: str, where: str = "true") -> list[dict[str, Any]]:
        """The table's rows, by created_at or key, straight from PostgreSQL; `where` is an SQL condition."""
        order = _ORDER.get(table, "created_at")
        answer = await self.execute(
            f"select coalesce(json_agg(found order by {order}), '[]') from public.{table} found where {where}"
        )
        return cast(list[dict[str, Any]], json.loads(answer))

    async def execute(self, sql: str) -> str:
        """Run SQL as the superuser, past the gateway; psql's output. Raises SQLError."""
        return await self._cluster.run(sql, self._database)

    async def apply(self, migration: Path) -> None:
        """Run a migration as `psql -f` does. Raises SQLError."""
        await self.execute(migration.read_text())

    async def until(self, predicate: Callable[[], bool | Awaitable[bool]], timeout: float = 10) -> None:
        """Wait until `predicate` holds; it is asked now, when a request comes and when one is over.

        TimeoutError after `timeout` s.
        """
        try:
            async with asyncio.timeout(timeout):
                while True:
                    self._gateway.changed.clear()
                    held = predicate()
                    if await held if inspect.isawaitable(held) else held:
                        return
                    await self._gateway.changed.wait()
        except TimeoutError:
            raise TimeoutError(f"not within {timeout} s; the last requests: {self.requests[-10:]}") from None

    async def down(self) -> None:
        """Nobody answers: connections are refused, those that are open are cut."""
        await self._gateway.down()

    async def up(self) -> None:
        """Answer again, without any fault."""
        self._gateway.faults.clear()
        await self._gateway.up()

    def slow(self, seconds: float, *, seed: int | None = None) -> None:
        """Every request waits this long, or by chance a part of it, before it is carried out; 0 ends it."""
        self._gateway.faults.trouble.slow(seconds, seed)

    def reset(self, n: int = 1, *, after_commit: bool = False, seed: int | None = None) -> None:
        """Cut the connection under the next `n` requests, before or after they took effect; a seed decides which."""
        chance = Chance(seed)
        after = (after_commit if seed is None else chance.strikes() for _ in range(n))
        self._gateway.faults.due += [Reset(one) for one in after]

    def halfopen(self, *, seed: int | None = None) -> None:
        """Take requests and answer none, or by chance some, until `up`, which carries them out."""
        self._gateway.faults.trouble.silence = Chance(seed)

    def ratelimit(self, times: int, *, seed: int | None = None) -> None:
        """The gateway refuses the next requests, or by chance some until so many were, with 429."""
        self._gateway.faults.trouble.refuse(times, seed)

    def answer(
        self, status: int, body: str = "", headers: Mapping[str, str] | None = None, times: int | None = None
    ) -> None:
        """Answer the next `times` requests, or all until `up`, like this and carry nothing out."""
        answer = Answer(status, body, headers or {})
        if times is None:
            self._gateway.faults.standing = answer
        else:
            self._gateway.faults.due += [answer] * times
