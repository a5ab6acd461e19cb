"""docs/supabase.md tells what is in the database, and says the same in Japanese."""

from __future__ import annotations

import json
import re

import pytest

from sandbox.supabase import MIGRATIONS, PostgreSQL
from tests.migrations.databases import OPT_IN
from tests.real_parts import MIGRATED

DOCS = MIGRATIONS.parent / "docs"
PAGES = {name: (DOCS / name).read_text(encoding="utf-8") for name in ("supabase.md", "supabase.ja.md")}
COLUMNS = """
    select json_object_agg(table_name, columns) from (
        select table_name, json_agg(column_name) as columns
        from information_schema.columns where table_schema = 'public' group by table_name
    ) as found
"""


def sections(page: str) -> dict[str, str]:
    """The text under each heading."""
    text = re.sub(r"```.*?```", "", page, flags=re.DOTALL)
    parts = re.split(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("name", PAGES)
async def test_every_table_and_column_is_explained(postgres: PostgreSQL, name: str) -> None:
    found = sections(PAGES[name])
    columns: dict[str, list[str]] = json.loads(await postgres.run(COLUMNS, MIGRATED))
    for table, names in columns.items():
        assert table in found, table
        first_cells = re.findall(r"^\|([^|]*)\|", found[table], flags=re.MULTILINE)
        explained = set(re.findall(r"`(\w+)`", "".join(first_cells)))
        if table == "active_sessions_now":
            names = set(names) - set(columns["active_sessions"])  # noqa: PLW2901 - the page refers to the table
        assert not set(names) - explained, table


def test_both_languages_have_the_same_structure() -> None:
    english, japanese = PAGES.values()
    shapes = [
        [
            (kind, re.findall(r"`[^`]+`", line) if kind == "|" else line if line.startswith("### ") else "")
            for line in page.splitlines()
            if (kind := next((each for each in ("### ", "## ", "# ", "```", "|", "- ") if line.startswith(each)), ""))
        ]
        for page in (english, japanese)
    ]
    assert [kind for kind, _ in shapes[0]] == [kind for kind, _ in shapes[1]]
    for one, other in zip(*shapes, strict=True):
        assert sorted(one[1]) == sorted(other[1])


def test_both_languages_have_the_same_commands() -> None:
    blocks = [re.findall(r"```.*?```", page, flags=re.DOTALL) for page in PAGES.values()]
    assert blocks[0] == blocks[1]
    assert len(blocks[0]) > 3


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name: str) -> None:
    page = PAGES[name]
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in sections(page)}
    for target in re.findall(r"\]\(([^)]+)\)", page):
        if target.startswith("#"):
            assert target[1:] in anchors, target
        elif not target.startswith("https:"):
            assert (DOCS / target).exists(), target


@pytest.mark.parametrize("name", PAGES)
def test_every_opt_in_file_is_explained(name: str) -> None:
    assert all(f"`{file.name}`" in PAGES[name] for file in OPT_IN.iterdir())


@pytest.mark.parametrize("name", PAGES)
async def test_the_sql_that_the_page_gives_works(postgres: PostgreSQL, database: str, name: str) -> None:
    scripts = re.findall(r"```sql\n(.*?)```", PAGES[name], flags=re.DOTALL) + re.findall(
        r"`(select [^`]+;)`", PAGES[name]
    )
    assert len(scripts) == 2
    for script in scripts:
        await postgres.run(script, database)
    kept = "select count(*) from public.bot_retention where days = 730 or days is null"
    assert (await postgres.run(kept, database)).strip() == "2"
