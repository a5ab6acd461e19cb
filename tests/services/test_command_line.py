"""What the program makes of its arguments."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.command_line import Examine, RunBot, ShowUsage, parse
from services.errors import UserError
from tests.e2e.doctor import visit


def test_each_way_to_use_it_is_known() -> None:
    assert parse([]) == RunBot()
    assert parse(["doctor"]) == Examine()
    assert parse(["doctor", "--json", "--write"]) == Examine(write=True, json=True)
    assert parse(["doctor", "--retry-set-aside"]) == Examine(retry_set_aside=True)
    assert parse(["--help"]) == parse(["doctor", "-h"]) == ShowUsage()


@pytest.mark.parametrize("arguments", [["nonsense"], ["--write"], ["doctor", "--wrote"], ["doctor", "x"], [""]])
def test_anything_else_is_refused(arguments: list[str]) -> None:
    with pytest.raises(UserError):
        parse(arguments)


@pytest.mark.parametrize(("argument", "code"), [("--help", 0), ("nonsense", 2)])
@pytest.mark.parametrize(("locale", "word"), [("en", "Usage"), ("ja", "使い方")])
async def test_it_explains_itself_without_a_setting(
    tmp_path: Path, argument: str, code: int, locale: str, word: str
) -> None:
    told = await visit({"DEFAULT_LOCALE": locale}, tmp_path, argument)
    assert told.code == code
    assert word in told.text
    assert "--retry-set-aside" in told.text
