"""The doctor on a database that lacks something, with a wrong key, or at an address that is not Supabase."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path

import pytest

from sandbox.supabase import MIGRATIONS, PostgreSQL, Supabase
from tests.e2e.doctor import Surgery
from tests.e2e.other_server import other_server
from tests.migrations.databases import migrate

EVERY_TABLE = (
    *("active_sessions", "active_sessions_now", "bot_logs", "bot_retention", "bot_state", "command_queue"),
    *("gemini_usage", "music_history", "session_revisions", "system_stats"),
)


@pytest.fixture
def surgery(supabase: Supabase, tmp_path: Path) -> Surgery:
    """The doctor with a whole project."""
    surgery = Surgery(tmp_path)
    surgery.settings |= {"SUPABASE_URL": supabase.url, "SUPABASE_SERVICE_ROLE_KEY": supabase.service_role_key}
    return surgery


MISSING = {
    "drop table public.system_stats": {
        ("supabase.table", "system_stats"): "missing",
        ("supabase.realtime", ""): "system_stats",
    },
    "drop view public.active_sessions_now": {("supabase.table", "active_sessions_now"): "missing"},
    "revoke select on public.active_sessions_now from service_role": {
        ("supabase.table", "active_sessions_now"): "not read"
    },
    "drop table public.bot_retention": {("supabase.table", "bot_retention"): "missing"},
    "drop table public.bot_state": {("supabase.table", "bot_state"): "missing"},
    "alter table public.music_history drop column ended_at, drop column revision": {
        ("supabase.table", "music_history"): "ended_at, revision"
    },
    "alter table public.bot_logs drop column message, drop column event_id": {
        ("supabase.table", "bot_logs"): "another program's: it lacks message, event_id"
    },
    "drop index public.gemini_usage_event_id_key": {("supabase.table", "gemini_usage"): "unique index of event_id"},
    "drop function public.apply_sessions": {("supabase.function", "apply_sessions"): "missing"},
    "drop function public.schema_report": {("supabase.row_security", ""): "schema_report"},
    "revoke select on public.music_history from service_role": {("supabase.table", "music_history"): "not read"},
    "revoke insert on public.music_history from service_role": {("supabase.table", "music_history"): "not write"},
    "revoke update on public.bot_state from service_role": {("supabase.table", "bot_state"): "not write"},
    "revoke update on public.command_queue from service_role": {
        ("supabase.table", "command_queue"): "not write",
        ("supabase.function", "finish_commands"): "command_queue",
    },
    "revoke execute on function public.apply_sessions from service_role": {
        ("supabase.function", "apply_sessions"): "apply_sessions"
    },
    "revoke delete on public.active_sessions from service_role": {
        ("supabase.function", "apply_sessions"): "active_sessions"
    },
    "revoke insert on public.session_revisions from service_role": {
        ("supabase.function", "apply_sessions"): "session_revisions"
    },
    "drop function public.claim_commands": {("supabase.function", "claim_commands"): "missing"},
    "revoke execute on function public.claim_commands from service_role": {
        ("supabase.function", "claim_commands"): "claim_commands"
    },
    "drop function public.finish_commands": {("supabase.function", "finish_commands"): "missing"},
    "alter table public.command_queue drop column error": {
        ("supabase.table", "command_queue"): "lacks error",
        ("supabase.function", "claim_commands"): "42703",
        ("supabase.function", "finish_commands"): "42703",
    },
    "alter table public.bot_logs disable row level security": {("supabase.row_security", ""): "bot_logs"},
    "alter publication supabase_realtime drop table public.active_sessions": {
        ("supabase.realtime", ""): "active_sessions"
    },
    "alter publication supabase_realtime add table public.bot_state": {("supabase.realtime", ""): "bookkeeping"},
}


async def test_a_whole_project_is_well_with_either_kind_of_service_key(surgery: Surgery, supabase: Supabase) -> None:
    for key, kind in ((supabase.service_role_key, "service_role"), (supabase.secret_key, "sb_secret_")):
        seen = await surgery.look("--write", SUPABASE_SERVICE_ROLE_KEY=key)
        assert seen.wrong == {}
        (told,) = (found["message"] for found in seen.findings if found["name"] == "supabase.key")
        assert kind in told
        assert f"…{key[-4:]}" in told
        assert key not in seen.text
        assert "supabase.write" in seen.states
    assert await supabase.rows("bot_state") == []


async def test_a_look_at_the_queue_takes_no_command_and_fails_none(surgery: Surgery, supabase: Supabase) -> None:
    await supabase.execute(
        "insert into public.command_queue (command, payload) values ('skip', '{}'); "
        "insert into public.command_queue (command, payload, created_at) "
        "values ('skip', '{}', now() - interval '1 day')"
    )
    assert (await surgery.look("--write")).wrong == {}
    assert {row["status"] for row in await supabase.rows("command_queue")} == {"pending"}


@pytest.mark.parametrize("sql", MISSING)
async def test_what_is_missing_is_named_with_its_cure(surgery: Surgery, supabase: Supabase, sql: str) -> None:
    await supabase.execute(sql)
    seen = await surgery.look()
    assert seen.code == 1
    assert seen.wrong.keys() == MISSING[sql].keys()
    for finding, words in MISSING[sql].items():
        assert words in seen.wrong[finding]
        assert "migrations/" in seen.wrong[finding]


async def test_an_empty_project_lacks_everything_until_the_migrations_are_applied(
    surgery: Surgery, postgres: PostgreSQL
) -> None:
    database = await postgres.create_supabase()
    async with Supabase.on(postgres, database) as empty:
        settings = {"SUPABASE_URL": empty.url, "SUPABASE_SERVICE_ROLE_KEY": empty.service_role_key}
        seen = await surgery.look(**settings)
        missing = {subject for name, subject in seen.wrong if name == "supabase.table"}
        assert missing == {*EVERY_TABLE}
        for migration in sorted(MIGRATIONS.glob("*.sql")):
            await empty.apply(migration)
        async with asyncio.timeout(30):  # PostgREST reads the schema again in its own time
            while seen.wrong:
                seen = await surgery.look(**settings)
    await postgres.drop_database(database)


async def test_upkeep_is_off_without_pg_cron(surgery: Surgery) -> None:
    assert (await surgery.look()).states["supabase.upkeep"] == {"off"}


async def test_upkeep_is_well_with_both_of_its_jobs(
    surgery: Surgery, cron_postgres: PostgreSQL, cron_database: str
) -> None:
    await migrate(cron_postgres, cron_database)
    async with Supabase.on(cron_postgres, cron_database) as project:
        settings = {"SUPABASE_URL": project.url, "SUPABASE_SERVICE_ROLE_KEY": project.service_role_key}
        seen = await surgery.look(**settings)
        assert seen.wrong == {}
        assert seen.states["supabase.upkeep"] == {"ok"}
        await project.execute("select cron.unschedule('discord-bot-remove-old-rows')")
        seen = await surgery.look(**settings)
        assert seen.wrong.keys() == {("supabase.upkeep", "")}
        assert "discord-bot-remove-old-rows" in seen.wrong["supabase.upkeep", ""]
        assert "migrations/" in seen.wrong["supabase.upkeep", ""]


async def test_without_a_publication_realtime_is_off(surgery: Surgery, supabase: Supabase) -> None:
    await supabase.execute("drop publication supabase_realtime")
    seen = await surgery.look()
    assert seen.wrong == {}
    assert seen.states["supabase.realtime"] == {"off"}


async def test_a_publication_of_another_role_is_told_with_a_cure_that_works(
    surgery: Surgery, postgres: PostgreSQL
) -> None:
    database = await postgres.create_supabase()
    await postgres.run(
        f'create role owner_of_this; grant create on database "{database}" to owner_of_this; '
        "grant create, usage on schema public to owner_of_this",
        database,
    )
    (access,) = MIGRATIONS.glob("*_access.sql")
    for migration in sorted(MIGRATIONS.glob("*.sql")):
        await postgres.run(f"set role owner_of_this;\n{migration.read_text()}", database)
    async with Supabase.on(postgres, database) as project:
        settings = {"SUPABASE_URL": project.url, "SUPABASE_SERVICE_ROLE_KEY": project.service_role_key}
        seen = await surgery.look(**settings)
        assert seen.wrong.keys() == {("supabase.realtime", "")}
        told = seen.wrong["supabase.realtime", ""]
        assert "belongs to postgres" in told
        await project.execute(told.split("`")[1])
        await project.execute(f"set role owner_of_this;\n{access.read_text()}")
        seen = await surgery.look(**settings)
        assert seen.wrong == {}
        assert seen.states["supabase.realtime"] == {"ok"}
    await postgres.run("drop owned by owner_of_this cascade", database)
    await postgres.drop_database(database)
    await postgres.run("drop role owner_of_this", "postgres")


@pytest.mark.parametrize(
    ("scope", "said"),
    [("for all tables", "every table of the database"), ("for tables in schema public", "the schema public")],
)
async def test_a_publication_of_every_table_is_told_with_a_cure_that_works(
    surgery: Surgery, supabase: Supabase, scope: str, said: str
) -> None:
    await supabase.execute(f"drop publication supabase_realtime; create publication supabase_realtime {scope}")
    (access,) = MIGRATIONS.glob("*_access.sql")
    await supabase.apply(access)
    seen = await surgery.look()
    assert seen.wrong.keys() == {("supabase.realtime", "")}
    told = seen.wrong["supabase.realtime", ""]
    assert said in told
    await supabase.execute(told.split("`")[1])
    await supabase.apply(access)
    seen = await surgery.look()
    assert seen.wrong == {}
    assert seen.states["supabase.realtime"] == {"ok"}


async def test_a_public_key_is_told_wherever_it_stands(surgery: Surgery, supabase: Supabase) -> None:
    for variable, key in (
        ("SUPABASE_ANON_KEY", supabase.anon_key),
        ("SUPABASE_ANON_KEY", supabase.publishable_key),
        ("SUPABASE_SERVICE_ROLE_KEY", supabase.anon_key),
    ):
        keys = {"SUPABASE_SERVICE_ROLE_KEY": "", variable: key}
        seen = await surgery.look(**keys)
        assert variable in seen.wrong["supabase.key", ""]
        assert "row level security" in seen.wrong["supabase.key", ""]
        refused = {subject for name, subject in seen.wrong if name == "supabase.table"}
        assert refused == {*EVERY_TABLE}
        assert all("service_role" in told for told in seen.wrong.values())
        assert key not in seen.text


async def test_a_key_that_is_refused(surgery: Surgery) -> None:
    seen = await surgery.look(SUPABASE_SERVICE_ROLE_KEY="sb_secret_canary-0001")
    assert seen.wrong.keys() == {("supabase.key", "")}
    assert "…0001" in seen.wrong["supabase.key", ""]
    assert "canary" not in seen.text


def jwt(**claims: object) -> str:
    """A JWT that nobody has signed."""
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in ({}, claims, {}))


@pytest.mark.parametrize("status", [200, 401])
async def test_a_key_of_yesterday_is_told_whether_it_is_refused_or_not(surgery: Surgery, status: int) -> None:
    headers = {"Content-Type": "application/json", "Content-Range": "*/*"}
    async with other_server("[]", status, headers) as address:
        seen = await surgery.look(
            SUPABASE_URL=f"http://{address}", SUPABASE_SERVICE_ROLE_KEY=jwt(role="service_role", exp=1_600_000_000)
        )
    assert "expired" in seen.wrong["supabase.key", ""]


@pytest.mark.parametrize(
    ("answer", "finding", "words"),
    [
        ((200, "<html>dashboard</html>", {}), "supabase.url", "web page"),
        ((404, "<html>not found</html>", {}), "supabase.url", "web page"),
        ((200, "[]", {"Content-Type": "application/json"}), "supabase.url", "not Supabase"),
        ((204, "", {}), "supabase.url", "not Supabase"),
        ((301, "", {"Location": "https://other.example/rest/v1/"}), "supabase.url", "other.example"),
        ((522, "<html>cloudflare</html>", {}), "supabase.url", "522"),
        ((540, "", {}), "supabase.url", "paused"),
        ((402, "{}", {"Content-Type": "application/json"}), "supabase.url", "plan is full"),
        ((404, '{"error": "x"}', {"Content-Type": "application/json"}), "supabase.url", "not Supabase"),
        ((404, '{"code": "not_found"}', {"Content-Type": "application/json"}), "supabase.url", "not Supabase"),
        ((401, "", {}), "supabase.key", "SUPABASE_SERVICE_ROLE_KEY"),
        ((403, "<html>forbidden</html>", {}), "supabase.url", "web page"),
    ],
)
async def test_what_is_not_supabase_is_one_sentence(
    surgery: Surgery, answer: tuple[int, str, dict[str, str]], finding: str, words: str
) -> None:
    status, body, headers = answer
    async with other_server(body, status, {"Content-Type": "text/html", **headers}) as address:
        seen = await surgery.look("--write", SUPABASE_URL=f"http://{address}")
    assert seen.wrong.keys() == {(finding, "")}
    assert words in seen.wrong[finding, ""]


async def test_a_host_that_is_not_there(surgery: Surgery, supabase: Supabase) -> None:
    await supabase.down()
    seen = await surgery.look()
    assert "refuses the connection" in seen.wrong["supabase.url", ""]
    seen = await surgery.look(SUPABASE_URL=supabase.url.replace("http:", "https:"))
    assert seen.wrong.keys() == {("supabase.url", "")}


async def test_only_what_hangs_is_told_to_hang(surgery: Surgery, supabase: Supabase) -> None:
    await supabase.execute(
        "create or replace function public.schema_report() returns jsonb language sql stable as "
        "$$ select jsonb_build_object('x', pg_sleep(20)) $$"
    )
    seen = await surgery.look()
    assert seen.wrong.keys() == {("supabase.row_security", "")}
    assert "5 s" in seen.wrong["supabase.row_security", ""]


async def test_a_probe_that_cannot_be_written_is_told(surgery: Surgery, supabase: Supabase) -> None:
    await supabase.execute("revoke delete on public.bot_state from service_role")
    seen = await surgery.look("--write")
    assert "by hand" in seen.wrong["supabase.write", ""]
    (row,) = await supabase.rows("bot_state")
    assert row["key"] in seen.wrong["supabase.write", ""]
    await supabase.execute(
        "create function public.sleep() returns trigger language plpgsql as "
        "$$ begin perform pg_sleep(4); return new; end $$; "
        "create trigger sleep before insert on public.bot_state for each row execute function public.sleep()"
    )
    seen = await surgery.look("--write")
    assert "doctor-" in seen.wrong["supabase.write", ""]
    await supabase.execute("revoke insert on public.bot_state from service_role")
    seen = await surgery.look("--write")
    assert "42501" in seen.wrong["supabase.write", ""]
