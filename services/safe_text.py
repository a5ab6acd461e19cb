"""Text from strangers (titles, names) made fit to be shown in Discord."""

from __future__ import annotations

import re
import unicodedata

# Controls that turn the text around them, and characters that no font shows: bidi marks, embeddings and
# isolates, zero-width spaces, fillers, shorthand and musical controls, tags.
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff"
    "\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
# Joiners hold emoji and some scripts together; between ASCII characters they only hide.
_IDLE_JOINER = re.compile("[\u200c\u200d](?![^\\x00-\\x7f])|(?<![^\\x00-\\x7f])[\u200c\u200d]")
_CLUSTER = re.compile(
    "[\U0001f1e6-\U0001f1ff]{2}|.(?:[\u0300-\u036f\ufe00-\ufe0f\u20d0-\u20ff\U0001f3fb-\U0001f3ff]|\u200d.|\u200c)*",
    re.DOTALL,
)
# What Discord reads as markdown, mentions, tags and links; a backslash before any of them shows it as it is
# (support.discord.com, "Markdown Text 101"). A dot counts within a host name and after a first number.
_SIGNS = re.compile(
    r"[\\*_~`|>#\[\]()<@]|(?<=<)/|:(?=/|\w+[:>])|(?<=\w)\.(?=\w)|^[-+](?=\s|$)|(?<=^\d)\.|(?<=^\d\d)\.|(?<=^\d{3})\."
)
_EVERYBODY = re.compile("@(?=everyone|here)", re.IGNORECASE)
_BREAK = "\u034f"
"""Shown as nothing: Discord's server looks for `@everyone` before it looks at a backslash."""


def shown(text: str, limit: int) -> str:
    """`text` as one line of at most `limit` characters that looks the same and does nothing; `—` for no text.

    Nothing in it is markdown, a mention, a tag (`<#…>`, `</…>`, `<t:…>`, `<:…>`), a link or an invite, and no
    control turns the text around it. Escapes count towards `limit`; a cut ends in `…`, splitting no character.
    """
    plain = _plain(text)
    if not plain:
        return "—"
    safe = _escaped(plain)
    if len(safe) <= limit:
        return safe
    end = 0
    for cluster in _CLUSTER.finditer(plain):
        if len(_escaped(plain[: cluster.end()])) > limit - 1:
            break
        end = cluster.end()
    return _escaped(plain[:end].rstrip()) + "…"


def _plain(text: str) -> str:
    text = _UNSEEN.sub("", text[:4096])
    text = "".join(" " if unicodedata.category(each) in {"Cc", "Cs", "Zl", "Zp"} else each for each in text)
    return " ".join(_IDLE_JOINER.sub("", text).split())


def _escaped(plain: str) -> str:
    return _EVERYBODY.sub("@" + _BREAK, _SIGNS.sub(r"\\\g<0>", plain))
