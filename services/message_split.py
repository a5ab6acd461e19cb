"""Cuts a text into Discord messages, so that markdown's code blocks survive the cuts."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

LIMIT = 2_000
"""Characters of a message; Discord counts code points (discord.com/developers/docs/resources/message)."""

_FENCE = "```"
_CLOSE = "\n```"
# Discord takes a word for the block's language only where a line break follows it.
_LANGUAGE = re.compile(r"[A-Za-z0-9_+\-.#]{1,20}(?=\n)")
_BREAKS = (
    re.compile(r"\n\n+"),
    re.compile(r"\n"),
    re.compile(r"(?<=[。！？])|(?<=[.!?]) "),
    re.compile(r"\s"),
)
_CODE_BREAKS = (re.compile(r"\n"), re.compile(r"\s"))
_LONGEST_CLUSTER = 64


@dataclass(frozen=True, slots=True)
class _Block:
    """A code block that is open."""

    language: str
    start: int
    """Where its fence is; -1 where an earlier message opened it."""
    body: int
    """Where its code begins."""


def split(text: str, limit: int = LIMIT) -> list[str]:
    """`text` as messages of at most `limit` characters, none of them blank; an empty list for a blank text.

    A block that is cut is closed and opened again with its language; one still open at the end is closed. Cuts
    are made at paragraphs, lines, sentences or words where there are any, and never within a character that is
    several code points. All but the last message stay as they are when text is added at the end.
    """
    messages: list[str] = []
    rest, language = text.rstrip(), None
    while rest.strip():
        head = "" if language is None else f"{_FENCE}{language}\n"
        block = _Block(language, -1, 0) if language is not None else None
        window = limit - len(head) - len(_CLOSE)
        cut, left = len(rest), len(rest)
        if cut > window:
            cut, left = _cut(rest, window, block)
        block = _open_block(rest[:cut], block)
        piece, rest = rest[:cut], rest[left:]
        language = block.language if block else None
        if block and rest.lstrip("\n").startswith(_FENCE):
            rest, language = rest.lstrip("\n").removeprefix(_FENCE), None
        message = head + piece.rstrip() + (_CLOSE if block else "")
        messages.append(message if head else message.lstrip("\n"))
        if language is None:
            rest = rest.lstrip("\n")
    return [message for message in messages if message.strip()]


def _cut(text: str, window: int, block: _Block | None) -> tuple[int, int]:
    """Where a message of at most `window` characters ends, and where the next one begins."""
    cut, left = _at_break(text, window, _CODE_BREAKS if _open_block(text[:window], block) else _BREAKS)
    opened = _open_block(text[:cut], block)
    if opened and opened.start > 0 and (opened.start >= window // 2 or not text[opened.body : cut].strip()):
        # A block that has hardly begun goes into the next message as a whole.
        return opened.start, opened.start
    return cut, left


def _at_break(text: str, window: int, breaks: tuple[re.Pattern[str], ...]) -> tuple[int, int]:
    for pattern in breaks:
        for found in reversed(list(pattern.finditer(text, window // 2, window + 1))):
            if found.start() <= window and not _joined(text, found.end()):
                return found.start(), found.end()
    cut = window
    while _joined(text, cut) and cut > max(window - _LONGEST_CLUSTER, 1):
        cut -= 1
    return (cut, cut) if not _joined(text, cut) else (window, window)


def _open_block(text: str, block: _Block | None) -> _Block | None:
    """The block that is open at the end of `text`, given the one that is open at its start."""
    position = 0
    while (position := text.find(_FENCE, position)) >= 0:
        body = position + len(_FENCE)
        if block is None:
            named = _LANGUAGE.match(text, body)
            block = _Block(named[0] if named else "", position, named.end() if named else body)
        else:
            block = None
        position = body
    return block


def _joined(text: str, position: int) -> bool:
    """Whether the code points around `position` belong together."""
    if not 0 < position < len(text):
        return False
    before, after = text[position - 1], text[position]
    if "`" == before == after or unicodedata.category(after) in {"Mn", "Mc", "Me"}:
        return True
    if "\u200d" in (before, after) or "\U0001f3fb" <= after <= "\U0001f3ff":
        return True
    flags = len(text[:position]) - len(text[:position].rstrip(_FLAGS))
    return after in _FLAGS and flags % 2 == 1


_FLAGS = "".join(map(chr, range(0x1F1E6, 0x1F200)))
