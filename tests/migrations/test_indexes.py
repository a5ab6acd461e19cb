"""What dashboards and the upkeep ask for is found by an index, however long the tables have grown."""

from __future__ import annotations

import pytest

from tests.migrations.conftest import Connect

NEWEST = "order by created_at desc limit 50"
OLDEST = "where created_at < now() - interval '19000 minutes' order by created_at limit 500"


@pytest.mark.parametrize(
    ("table", "columns", "questions"),
    [
        ("music_history", "guild_id", (f"where guild_id = '7' {NEWEST}", NEWEST, OLDEST)),
        ("gemini_usage", "guild_id", (f"where guild_id = '7' {NEWEST}", NEWEST, OLDEST)),
        ("system_stats", "cpu_usage", (NEWEST, "where created_at > now() - interval '1 day'", OLDEST)),
        ("bot_logs", "level", (NEWEST, OLDEST)),
        ("command_queue", "status", ("where status = '7' order by created_at",)),
    ],
)
async def test_no_question_reads_the_whole_table_or_sorts_it(
    connect: Connect, table: str, columns: str, questions: tuple[str, ...]
) -> None:
    connection = await connect()
    await connection.execute(
        f"insert into public.{table} ({columns}, created_at) "
        f"select (n % 100)::{'numeric' if columns == 'cpu_usage' else 'text'}, now() - make_interval(mins => n) "
        "from generate_series(1, 20000) as n".encode()
    )
    await connection.execute(f"analyze public.{table}".encode())
    for question in questions:
        cursor = await connection.execute(f"explain select * from public.{table} {question}".encode())
        plan = "\n".join(line for (line,) in await cursor.fetchall())
        assert "Index" in plan, plan
        assert "Seq Scan" not in plan, plan
        assert "Sort" not in plan or "Index Cond" in plan, plan
