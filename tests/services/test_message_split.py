"""A long answer becomes messages that read as the answer did."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.message_split import LIMIT, split

WORDS = st.sampled_from(
    [
        "word",
        "a",
        "、日本語の文。",
        "\n",
        "\n\n",
        " ",
        "```",
        "```py\n",
        "\n```\n",
        "x = 1\n",
        "e\u0301",
        "👨‍👩‍👧",
        "🇯🇵",
        "👍🏽",
        "`",
        ".",
    ]
)
TEXTS = st.lists(WORDS, max_size=120).map("".join)
PROSE = st.lists(WORDS.filter(lambda word: "`" not in word), max_size=120).map("".join)


def bare(text: str) -> str:
    return re.sub(r"\s", "", text)


@given(TEXTS, st.integers(60, 200))
@example("```" + "x" * 300, 60)
@example("x " * 200, 60)
@example("`" * 500, 60)
def test_every_message_fits_and_none_is_blank(text: str, limit: int) -> None:
    for message in split(text, limit):
        assert 0 < len(message) <= limit
        assert message.strip()


@given(TEXTS, st.integers(60, 200))
def test_every_message_closes_the_blocks_that_it_opens(text: str, limit: int) -> None:
    assert all(message.count("```") % 2 == 0 for message in split(text, limit))


@given(PROSE, st.integers(60, 200))
def test_prose_loses_nothing_but_white_space(text: str, limit: int) -> None:
    assert bare("".join(split(text, limit))) == bare(text)


@given(TEXTS, st.integers(60, 200))
def test_text_with_code_loses_no_letter(text: str, limit: int) -> None:
    def letters(of: str) -> str:
        return re.sub(r"\s|`|py", "", of)

    assert letters("".join(split(text, limit))) == letters(text)


@given(PROSE, st.integers(60, 200))
def test_no_character_is_torn_apart(text: str, limit: int) -> None:
    for message in split(text, limit):
        assert message[0] not in "\u0301\u200d\U0001f3fd"
        assert message[-1] != "\u200d"
        flags = len(re.findall("[\U0001f1e6-\U0001f1ff]", message))
        assert flags % 2 == 0


@given(TEXTS, st.integers(60, 200), st.integers(0, 400))
def test_what_is_sent_stays_when_more_comes(text: str, limit: int, length: int) -> None:
    sent, whole = split(text[:length], limit), split(text, limit)
    assert whole[: max(len(sent) - 1, 0)] == sent[:-1]


def test_a_text_that_fits_is_one_message_as_it_is() -> None:
    text = "Hello\n\n```py\nprint(1)\n```\nBye"
    assert split(text) == [text]


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\t \n"])
def test_a_blank_text_is_no_message(text: str) -> None:
    assert split(text) == []


def test_a_block_that_is_cut_is_opened_again_in_its_language() -> None:
    code = "\n".join(f"print({number})" for number in range(400))
    messages = split(f"```python\n{code}\n```")
    assert len(messages) == 3
    for message in messages:
        assert message.startswith("```python\nprint(")
        assert message.endswith(")\n```")
    assert "\n".join(message[10:-4] for message in messages) == code


def test_a_block_still_open_is_closed() -> None:
    assert split("```js\nlet a = 1") == ["```js\nlet a = 1\n```"]


def test_a_cut_at_the_end_of_a_block_leaves_no_empty_block() -> None:
    code = "x" * (LIMIT - len("```\n") - len("\n```"))
    assert split(f"```\n{code}\n```\nafter") == [f"```\n{code}\n```", "after"]


def test_a_block_that_has_hardly_begun_goes_into_the_next_message() -> None:
    prose = "w" * 1_900
    messages = split(f"{prose}\n```py\n" + "y = 2\n" * 30 + "```")
    assert messages[0] == prose
    assert messages[1].startswith("```py\ny = 2")


def test_paragraphs_are_preferred_to_lines_and_lines_to_words() -> None:
    assert split("a" * 40 + "\n\n" + "b" * 10 + "\nc d " + "e" * 30, 70)[0] == "a" * 40
    assert split("a" * 40 + "\n" + "b " * 40, 70)[0] == "a" * 40
    assert split("ab " * 40, 70)[0].endswith("ab")


def test_a_japanese_text_is_cut_after_a_sentence() -> None:
    assert all(message.endswith("。") for message in split("吾輩は猫である。" * 400))
