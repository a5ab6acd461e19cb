"""PostgREST on a database of the cluster, reached by a Unix socket only."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import aiohttp

from sandbox.supabase.parts import require_postgrest
from sandbox.supabase.scratch import scratch_folder
from sandbox.supabase.server_process import ServerProcess


@asynccontextmanager
async def postgrest(database_uri: str, jwt_secret: str) -> AsyncGenerator[aiohttp.ClientSession]:
    """Run PostgREST with Supabase's settings; yields a session whose every request goes to it.

    Raises RealPartMissing.

    Configuration: docs.postgrest.org, Configuration; 1000 rows an answer is Supabase's default.
    """
    binary = require_postgrest()
    with scratch_folder("postgrest-") as folder:
        socket = folder / "socket"
        server = ServerProcess(
            [binary],
            log=folder / "postgrest.log",
            environment={
                "PATH": os.environ.get("PATH", ""),
                "PGRST_DB_URI": database_uri,
                "PGRST_DB_SCHEMAS": "public",
                "PGRST_DB_ANON_ROLE": "anon",
                "PGRST_DB_MAX_ROWS": "1000",
                "PGRST_JWT_SECRET": jwt_secret,
                "PGRST_SERVER_UNIX_SOCKET": str(socket),
            },
        )
        try:
            # No limit to the connections: the gateway adds none to PostgREST's own pool of 10.
            connector = aiohttp.UnixConnector(path=str(socket), limit=0)
            async with aiohttp.ClientSession("http://postgrest", connector=connector, auto_decompress=False) as session:

                async def ready() -> bool:
                    try:
                        async with session.head("/") as response:
                            return response.status == 200
                    except aiohttp.ClientError:
                        return False

                await server.until_ready(ready, timeout=30)
                yield session
        finally:
            await server.stop()
