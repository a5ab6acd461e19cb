"""What dashboards and the upkeep ask for is found by an index, however long the tables have grown."""

from __future__ import annotations

import pytest

from tests.migrations.conftest import Connect

NEWEST = "order by created_at desc limit 50"
OLDEST = "where created_at < now() - interval '19000 minutes' order by created_at limit 500"


@pytest.mark.parametrize(
    ("table", "column", "questions"),
    [
        ("music_history", "guild_id", {f"where guild_id = '7' {NEWEST}": "guild_id_created_at", NEWEST: "created_at"}),
        ("gemini_usage", "guild_id", {f"where guild_id = '7' {NEWEST}": "guild_id_created_at", NEWEST: "created_at"}),
        ("system_stats", "cpu_usage", {NEWEST: "created_at", OLDEST: "created_at"}),
        ("bot_logs", "level", {NEWEST: "created_at", OLDEST: "created_at"}),
        ("command_queue", "status", {"where status = '7' order by created_at limit 50": "status_created_at"}),
    ],
)
async def test_no_question_reads_the_whole_table_or_sorts_it(
    connect: Connect, table: str, column: str, questions: dict[str, str]
) -> None:
    connection = await connect()
    await connection.execute(
        f"insert into public.{table} ({column}, created_at) "
        f"select (n % 100)::{'numeric' if column == 'cpu_usage' else 'text'}, now() - make_interval(mins => n) "
        "from generate_series(1, 20000) as n".encode()
    )
    await connection.execute(f"analyze public.{table}".encode())
    for question, index in questions.items():
        cursor = await connection.execute(f"explain select * from public.{table} {question}".encode())
        plan = "\n".join(line for (line,) in await cursor.fetchall())
        assert f" {table}_{index}_idx " in plan, plan
        assert "Sort" not in plan, plan
