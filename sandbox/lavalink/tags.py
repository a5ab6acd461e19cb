"""Title, artist, length and container of an audio file, by mutagen."""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import mutagen  # pyright: ignore[reportMissingTypeStubs]  # mutagen ships no types
import mutagen.id3  # pyright: ignore[reportMissingTypeStubs]  # mutagen ships no types

# Lavaplayer's container names, by mutagen's class.
_CONTAINERS = {
    "WAVE": "wav",
    "MP3": "mp3",
    "OggVorbis": "ogg",
    "OggOpus": "ogg",
    "OggFLAC": "ogg",
    "FLAC": "flac",
    "MP4": "mp4",
    "AAC": "adts",
}
# Those of a wav's samples that lavaplayer opens (its WavFileLoader); others are an unknown file format to it.
_WAV_BITS = (16, 24, 32)
# ID3 frames, MP4 atoms and Vorbis comments for the same thing.
_TITLE_KEYS = ("TIT2", "\xa9nam", "title")
_ARTIST_KEYS = ("TPE1", "\xa9ART", "artist")
_ISRC_KEYS = ("TSRC", "isrc")


@dataclass(frozen=True, slots=True)
class Tags:
    """What a file says about itself; `length` in ms, None where it says nothing."""

    title: str | None
    artist: str | None
    isrc: str | None
    length: int
    container: str


def read_tags(source: Path | BytesIO) -> Tags | None:
    """Read a file, or its bytes; None when it is no audio that Lavalink could play."""
    try:
        file = cast("Any", mutagen).File(source)
    except (mutagen.MutagenError, OSError, ValueError):
        return None
    container = _CONTAINERS.get(type(file).__name__)
    if container is None or not file.info.length > 0:
        return None
    if container == "wav" and file.info.bits_per_sample not in _WAV_BITS:
        return None
    tags = cast("dict[str, Any]", file.tags if file.tags is not None else {})
    return Tags(
        _text(tags, _TITLE_KEYS),
        _text(tags, _ARTIST_KEYS),
        _text(tags, _ISRC_KEYS),
        int(file.info.length * 1000),
        container,
    )


def write_wav_tags(path: Path, title: str, artist: str) -> None:
    """Give a wav file an ID3 title and artist."""
    file = cast("Any", mutagen).File(path)
    frames = cast("Any", mutagen.id3)
    file.add_tags()
    file.tags.add(frames.TIT2(encoding=3, text=[title]))
    file.tags.add(frames.TPE1(encoding=3, text=[artist]))
    file.save()


def _text(tags: dict[str, Any], keys: tuple[str, ...]) -> str | None:
    for key in keys:
        # Vorbis comments refuse keys outside ASCII even in a look-up.
        try:
            value = tags[key]
        except (KeyError, ValueError):
            continue
        text = str(cast("list[object]", value)[0] if isinstance(value, list) else value).strip()
        if text:
            return text
    return None
