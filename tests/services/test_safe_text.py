"""Nothing that a stranger writes does anything in Discord, and it still reads the same."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.safe_text import shown


def seen(text: str) -> str:
    """What a reader sees: Discord drops a backslash before a sign, and nobody sees U+034F."""
    return re.sub(r"\\([^0-9A-Za-z\s])", r"\1", text).replace("\u034f", "")


@pytest.mark.parametrize(
    "title",
    [
        "Plain title",
        "**bold** _it_ ~~gone~~ `code` ||spoiler||",
        "# Heading",
        "-# small print",
        "> quote",
        ">>> all of it",
        "1. first",
        "- point",
        "[click](https://evil.example)",
        "https://evil.example/x?y=1",
        "<https://evil.example>",
        "discord.gg/abcdef",
        "steam://run/1",
        "@everyone and @here, @EVERYONE",
        "<@1> <@!1> <@&1> <#1> </play:1> <t:1:R> <:x:1> <a:x:1> <id:browse>",
        "C:\\music\\*",
        "夜に駆ける — YOASOBI",
        "Re: 12:30:45",
    ],
)
def test_it_does_nothing_and_reads_the_same(title: str) -> None:
    text = shown(title, 500)
    assert seen(text) == title
    active = (
        r"https?://|steam://|discord\.gg|@everyone|@here|<@|<#|</|<t:|<a?:|<id:"
        r"|(?<!\\)[*_~`|>\[\]()#]|^- |^\d+\. "
    )
    assert not re.search(active, text, re.IGNORECASE)


@pytest.mark.parametrize(
    "control",
    ["\u202e", "\u2066", "\u200b", "\u200f", "\ufeff", "\u2060", "\x00", "\x1b", "\U000e0041", "\ud800"],
)
def test_controls_are_gone(control: str) -> None:
    assert control not in shown(f"ab{control}cd{control}", 50)


def test_lines_and_spaces_become_one_space() -> None:
    assert shown("  a\n\n# b\t\u2028c\u3000 ", 50) == "a \\# b c"


def test_emoji_stay_whole() -> None:
    family = "👨\u200d👩\u200d👧"
    assert shown(family * 3, 100) == family * 3
    assert shown(family * 3, 8) == family + "…"
    assert shown("a\u200db", 10) == "ab"
    assert shown("🇯🇵🇯🇵🇯🇵", 4) == "🇯🇵…"
    assert shown("e\u0301e\u0301e\u0301", 4) == "e\u0301…"


def test_a_cut_never_splits_an_escape() -> None:
    assert shown("****", 6) == "\\*\\*…"


def test_nothing_is_shown_as_a_dash() -> None:
    assert shown("\u200b \n", 10) == "—"


@given(st.text(max_size=300), st.integers(2, 80))
def test_it_is_one_line_within_the_limit(text: str, limit: int) -> None:
    line = shown(text, limit)
    assert 0 < len(line) <= limit
    assert "\n" not in line
    assert not re.search(r"(?<!\\)(?:\\\\)*\\$", line.removesuffix("…"))
