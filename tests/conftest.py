from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from sandbox.supabase import MIGRATIONS, PostgreSQL, Supabase
from tests.real_parts import MIGRATED, require_real_parts


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def postgres() -> AsyncIterator[PostgreSQL]:
    """One cluster for the whole run, as Supabase sets it up; its database `migrated` is a template."""
    require_real_parts()
    async with PostgreSQL.start() as cluster:
        await cluster.create_supabase(MIGRATED)
        for migration in sorted(MIGRATIONS.glob("*.sql")):
            await cluster.run(migration.read_text(), MIGRATED)
        yield cluster


@pytest_asyncio.fixture
async def supabase(postgres: PostgreSQL) -> AsyncIterator[Supabase]:
    """A migrated project of the test's own."""
    database = await postgres.create_database(template=MIGRATED)
    async with Supabase.on(postgres, database) as project:
        yield project
    await postgres.drop_database(database)
