from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Protocol

import psycopg
import pytest_asyncio
from psycopg.rows import TupleRow

from sandbox.supabase import PostgreSQL
from tests.real_parts import MIGRATED, require_real_parts

Connection = psycopg.AsyncConnection[TupleRow]


class Connect(Protocol):
    """Opens one more connection of the superuser, autocommit, closed with the test."""

    async def __call__(self) -> Connection: ...


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def plain_postgres() -> AsyncIterator[PostgreSQL]:
    """A cluster without any of Supabase's roles."""
    require_real_parts()
    async with PostgreSQL.start() as cluster:
        yield cluster


@pytest_asyncio.fixture
async def database(postgres: PostgreSQL) -> AsyncIterator[str]:
    """A migrated database, without PostgREST."""
    name = await postgres.create_database(template=MIGRATED)
    yield name
    await postgres.drop_database(name)


@pytest_asyncio.fixture
async def connect(postgres: PostgreSQL, database: str) -> AsyncIterator[Connect]:
    async with AsyncExitStack() as stack:

        async def one_more() -> Connection:
            connection = await psycopg.AsyncConnection.connect(postgres.uri(database), autocommit=True)
            return await stack.enter_async_context(connection)

        yield one_more
