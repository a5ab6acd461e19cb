"""English and Japanese, from gettext catalogues; the English sentence is the message id."""

from __future__ import annotations

import gettext
import io
from functools import cache
from pathlib import Path
from typing import Literal

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

Locale = Literal["en", "ja"]
CATALOGUES = Path(__file__).parent / "locales"


def N_(message: str) -> str:
    """Mark `message` for extraction where it is written; `say` translates it where it is shown."""
    return message


def say(locale: Locale, message: str, **values: object) -> str:
    """`message` in `locale`, its `{fields}` filled from `values`."""
    translated = _catalogue(locale).gettext(message)
    return translated.format(**values) if values else translated


def locale_of(code: object, default: Locale) -> Locale:
    """The locale for a code of Discord's (`ja`, `en-US`, …); `default` where Discord tells none.

    Any language but Japanese is answered in English.
    """
    if code is None:
        return default
    return "ja" if str(code).split("-")[0] == "ja" else "en"


@cache
def _catalogue(locale: Locale) -> gettext.NullTranslations:
    # The .po files are read as they are: a compiled copy in the repository would drift from its source.
    path = CATALOGUES / f"{locale}.po"
    if not path.exists():
        return gettext.NullTranslations()
    with path.open("rb") as source:
        catalogue = read_po(source, locale=locale)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
