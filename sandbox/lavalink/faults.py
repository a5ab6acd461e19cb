"""Tracks that misbehave on purpose, found by name: as an identifier or as the words of a search."""

import math
from dataclasses import dataclass
from typing import Literal

from sandbox.lavalink.track_codec import TrackInfo

STREAM_LENGTH = 9223372036854775807
M3U_CONTAINER = "m3u|hls-outer"


@dataclass(frozen=True, slots=True)
class Failure:
    """The exception of a TrackExceptionEvent and how many seconds after the play it comes."""

    message: str
    cause: str
    after_s: float


@dataclass(frozen=True, slots=True)
class Course:
    """How a track really goes: where its sound ends (ms in the track), how, and what fails on the way."""

    end_ms: float
    ending: Literal["finished", "loadFailed", "stall"] = "finished"
    failure: Failure | None = None


# The texts are those of 4.2.2 for a media server that answers 404, and for a flac file damaged in the middle.
NOT_FOUND = Course(
    0,
    "loadFailed",
    Failure(
        "Something broke when playing the track.",
        "java.lang.RuntimeException: Not success status code: 404",
        0.01,
    ),
)
_DAMAGED = Course(
    1500,
    "finished",
    Failure(
        "Something went wrong when decoding the track.",
        "java.lang.IllegalStateException: Subframe header must start with 0 bit.",
        0.025,
    ),
)
_COURSES = {
    "fail404": NOT_FOUND,
    "fail-midway": _DAMAGED,
    "stuck": Course(1000, "stall"),
    "livestream": Course(math.inf),
}
_LENGTHS = {
    "fail404": 8000,
    "fail-midway": 12000,
    "stuck": 20000,
    "livestream": STREAM_LENGTH,
    "slowload": 5000,
    "hostile": 5000,
}
# Mentions, markdown, bidirectional overrides, zero-width characters, NUL, a lone surrogate, ten kilobytes.
_HOSTILE_TITLE = (
    "@everyone @here <@1> <@&2> <#3> </play:4> <t:0:R> https://discord.gg/x **`||~~ "
    "\u202e\u2066\u200b\u200d\ufeff \0 \ud800 "
) + "<@123456789012345678> " * 470


def fault_track(name: str, uri: str) -> TrackInfo | None:
    """The track of that name, reachable at `uri`; None for a name that is none."""
    if name not in _LENGTHS:
        return None
    return TrackInfo(
        identifier=name,
        title=_HOSTILE_TITLE if name == "hostile" else name,
        author="Sandbox",
        length=_LENGTHS[name],
        uri=uri,
        container="mp3",
        is_stream=_LENGTHS[name] == STREAM_LENGTH,
    )


def course_of(info: TrackInfo) -> Course:
    """How a track goes when it is played."""
    if info.container == M3U_CONTAINER:
        # Seen on 4.2.2: a list is one stream that finishes after its first frame.
        return Course(20)
    if info.identifier in _COURSES:
        return _COURSES[info.identifier]
    return Course(math.inf if info.is_stream else info.length)
