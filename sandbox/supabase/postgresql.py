"""A PostgreSQL cluster in a temporary folder, reached by a Unix socket only."""

from __future__ import annotations

import asyncio
import os
import pwd
import signal
import subprocess
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

from sandbox.child import bound
from sandbox.supabase.parts import require_postgresql
from sandbox.supabase.scratch import scratch_folder
from sandbox.supabase.server_process import ServerProcess

_PLATFORM = Path(__file__).with_name("platform.sql")
_OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    # Nothing here outlives the sandbox, so nothing needs to reach the disk.
    "fsync": "off",
    "full_page_writes": "off",
    # As on Supabase, where Realtime reads the changes.
    "wal_level": "logical",
    "max_connections": "200",
}


class SQLError(Exception):
    """psql's own words about a statement that failed."""


class PostgreSQL:
    """A running cluster; its superuser is `postgres`, without a password, behind the socket's permissions."""

    def __init__(self, binaries: Path, folder: Path, user: int | None, options: Mapping[str, str]) -> None:
        self._binaries = binaries
        self._folder = folder
        self._user = user
        self._options = options
        self._databases = 0
        self._server: ServerProcess

    @classmethod
    @asynccontextmanager
    async def start(cls, options: Mapping[str, str] | None = None) -> AsyncGenerator[PostgreSQL]:
        """A new, empty cluster with these settings beside ours; it goes with its folder at the end.

        Raises RealPartMissing.
        """
        binaries = require_postgresql()
        with scratch_folder("postgresql-") as folder:
            # PostgreSQL refuses to run as root.
            user = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None
            if user is not None:
                os.chown(folder, user, user)
            await asyncio.to_thread(_initdb, binaries, folder, user)
            cluster = cls(binaries, folder, user, _OPTIONS | dict(options or {}))
            try:
                await cluster._serve()
                yield cluster
            finally:
                await cluster._server.stop()

    async def restart(self) -> None:
        """Stop the server and start it again on the same folder; every connection is cut."""
        await self._server.stop()
        await self._serve()

    async def _serve(self) -> None:
        options = [part for name, value in self._options.items() for part in ("-c", f"{name}={value}")]
        self._server = server = ServerProcess(
            [self._binaries / "postgres", "-D", self._folder / "data", "-k", self._folder, *options],
            log=self._folder / "postgresql.log",
            user=self._user,
            stop_signal=signal.SIGQUIT,
        )

        async def ready() -> bool:
            return "ready to accept connections" in server.log()

        await server.until_ready(ready, timeout=30)

    def uri(self, database: str = "postgres", user: str = "postgres") -> str:
        """A connection URI, for libpq and everything built on it."""
        return f"postgresql://{user}@/{database}?host={quote(str(self._folder), safe='')}"

    async def create_supabase(self, database: str | None = None, *, template: str = "template0") -> str:
        """A database as Supabase hands it over, before any migration; its name."""
        name = await self.create_database(database, template=template)
        await self.run(_PLATFORM.read_text(), name)
        return name

    async def create_database(self, database: str | None = None, *, template: str = "template0") -> str:
        """A copy of `template`; its name."""
        self._databases += 1
        name = database or f"database_{self._databases}"
        await self.run(f'create database "{name}" template "{template}"', "postgres")
        return name

    async def drop_database(self, database: str) -> None:
        """Remove it, whoever is still connected."""
        await self.run(f'drop database "{database}" with (force)', "postgres")

    async def run(self, sql: str, database: str) -> str:
        """Run a script as `psql -f` does and give its output; SQLError ends it at the first error."""
        process = await asyncio.create_subprocess_exec(
            self._binaries / "psql",
            *("--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1"),
            f"--dbname={self.uri(database)}",
            "--file=-",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        output, errors = await process.communicate(sql.encode())
        if process.returncode != 0:
            raise SQLError(errors.decode(errors="replace"))
        return output.decode()


def _initdb(binaries: Path, folder: Path, user: int | None) -> None:
    options = ("--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
    command = bound([binaries / "initdb", f"--pgdata={folder / 'data'}", *options], signal.SIGKILL, user)
    subprocess.run(command, check=True, capture_output=True, cwd=folder)
