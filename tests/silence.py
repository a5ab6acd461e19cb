"""Audio files in which nothing is heard."""

from __future__ import annotations

import wave
from pathlib import Path

from sandbox.lavalink.tags import write_wav_tags


def write_silence(path: Path, milliseconds: int, title: str = "", artist: str = "") -> Path:
    """A wav file of that length."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(1000)
        file.writeframes(bytes(2 * milliseconds))
    if title:
        write_wav_tags(path, title, artist)
    return path
