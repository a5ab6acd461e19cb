"""Everything that a person reads is there in Japanese too."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from services.i18n import CATALOGUES, locale_of, say

ROOT = Path(__file__).parents[2]
# Where a message id stands in each call: `say(locale, "…")` has it second.
KEYWORDS = {"N_": None, "UserError": None, "say": (2,)}


def messages() -> set[str]:
    found: set[str] = set()
    for folder in ("services", "cogs"):
        for _, _, message, _, _ in extract_from_dir(ROOT / folder, keywords=KEYWORDS):
            found.update([message] if isinstance(message, str) else message)
    for _, _, message, _, _ in extract_from_dir(ROOT, [("bot.py", "python")], keywords=KEYWORDS):
        found.update([message] if isinstance(message, str) else message)
    return found


@pytest.fixture(scope="module")
def japanese() -> Catalog:
    with (CATALOGUES / "ja.po").open("rb") as source:
        return read_po(source, locale="ja", abort_invalid=True)


def test_every_message_is_translated_and_no_translation_is_left_over(japanese: Catalog) -> None:
    translated = {str(message.id) for message in japanese if message.id and message.string and not message.fuzzy}
    assert messages() - translated == set()
    assert translated - messages() == set()


def test_a_translation_has_the_fields_of_its_message(japanese: Catalog) -> None:
    for message in japanese:
        if message.id:
            assert sorted(re.findall(r"\{\w*[^}]*\}", str(message.string))) == sorted(
                re.findall(r"\{\w*[^}]*\}", str(message.id))
            ), message.id


def test_a_person_is_answered_in_japanese_or_english() -> None:
    assert (locale_of("ja", "en"), locale_of("en-GB", "ja"), locale_of("fr", "ja"), locale_of(None, "ja")) == (
        "ja",
        "en",
        "en",
        "ja",
    )
    assert say("ja", "is required") != say("en", "is required") == "is required"
