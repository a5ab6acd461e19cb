"""A track that is not over before the test is."""

from __future__ import annotations

import wave
from pathlib import Path

TRACK_SECONDS = 900


def add_long_track(folder: Path) -> None:
    """Silence, found as "endless" in the folder of a world's music."""
    with wave.open(str(folder / "endless.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(1_000)
        file.writeframes(bytes(2 * 1_000 * TRACK_SECONDS))
