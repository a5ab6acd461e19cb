"""What is told to the model beside the question: marked as data, whoever wrote it."""

from __future__ import annotations

import unicodedata

from services.live_play import Playing
from services.timecode import timecode

TITLE_CHARACTERS = 200


def printable(text: str) -> str:
    """`text` without control characters and lone surrogates; line breaks and tabs stay."""
    return "".join(each for each in text if each in "\n\t" or unicodedata.category(each) not in {"Cc", "Cs"})


def marked(heading: str, text: str) -> tuple[str, ...]:
    """The part of a prompt that shows `text` as data; none for a blank text."""
    text = printable(text).strip()
    if not text:
        return ()
    # Whatever looks like the end mark would let the text speak for the asker.
    inside = text.replace("<", "‹").replace(">", "›")
    return (f"{heading}\n<data>\n{inside}\n</data>\n\n",)


def music_facts(playing: Playing | None, waiting: int) -> str:
    """A guild's music for the model: what plays, how far it is, and how many tracks wait."""
    if playing is None:
        return "nothing"
    title = " ".join(playing.title.split())[:TITLE_CHARACTERS]
    length = timecode(playing.duration_ms) if playing.duration_ms else "live"
    state = " (paused)" if playing.paused else ""
    return (
        f"title: {title}\nposition: {timecode(playing.position_ms)} of {length}{state}\n"
        f"further tracks in the queue: {waiting}"
    )
