from __future__ import annotations

import ipaddress
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio

from sandbox.supabase import MIGRATIONS, PostgreSQL, Supabase
from tests.real_parts import MIGRATED, require_pg_cron, require_real_parts


@pytest.fixture(scope="session", autouse=True)
def only_loopback() -> Iterator[None]:
    """No name but this machine's is looked up: a stray call to a real service fails instead of being made."""
    look_up = socket.getaddrinfo

    def guarded(host: Any, *rest: Any, **options: Any) -> Any:
        if not is_here(host):
            raise socket.gaierror(socket.EAI_NONAME, f"tests stay on this machine: {host!r}")
        return look_up(host, *rest, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", guarded)
        # gRPC has a resolver of its own, but keeps to a proxy: there is none at this port.
        patch.setenv("grpc_proxy", "http://127.0.0.1:9")
        patch.setenv("no_grpc_proxy", "localhost,127.0.0.1")
        yield


def is_here(host: str | bytes | None) -> bool:
    """Whether `host` is this machine, or an address that needs no look-up."""
    name = host.decode() if isinstance(host, bytes) else host
    if not name or name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


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


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def cron_postgres() -> AsyncIterator[PostgreSQL]:
    """A cluster with the real pg_cron, which keeps to one database, `cron`."""
    require_pg_cron()
    options = {
        "shared_preload_libraries": "pg_cron",
        "cron.database_name": "cron",
        # Else it would connect by TCP, on which this cluster does not listen.
        "cron.use_background_workers": "on",
    }
    async with PostgreSQL.start(options) as cluster:
        yield cluster


@pytest_asyncio.fixture
async def cron_database(cron_postgres: PostgreSQL) -> AsyncIterator[str]:
    """A project where pg_cron is switched on, before any migration."""
    name = await cron_postgres.create_supabase("cron")
    await cron_postgres.run("create extension pg_cron", name)
    yield name
    await cron_postgres.drop_database(name)
