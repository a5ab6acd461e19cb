"""Three short sample tracks, made at first use: simple melodies in pure Python."""

import math
import struct
import wave
from dataclasses import dataclass
from pathlib import Path

from sandbox.lavalink.tags import read_tags, write_wav_tags

# Lavaplayer opens no wav of less than 16 bits; at this rate the highest note's overtones just fit.
_RATE = 4000
_LOUDNESS = 13_000


@dataclass(frozen=True, slots=True)
class _Melody:
    file_name: str
    title: str
    artist: str
    beat_s: float
    notes: str
    """MIDI note numbers, a beat each; `-` is a rest, `_` holds the note before."""


_MELODIES = (
    _Melody(
        "morning-light.wav",
        "朝の光 (Morning Light)",
        "Sandbox Trio",
        0.3,
        "60 64 67 72 71 67 64 _ 62 65 69 74 72 69 65 _ 64 67 71 76 74 71 67 64 65 64 62 59 60 _ _ _",
    ),
    _Melody(
        "rainy-street.wav",
        "Rainy Street",
        "Sandbox Trio",
        0.36,
        "69 - 72 - 76 - 74 72 71 - 67 - 64 _ _ - 65 - 69 - 72 - 71 69 68 - 71 - 69 _ _ _",
    ),
    _Melody(
        "night-train.wav",
        "Night Train",
        "The Loopbacks",
        0.22,
        "57 57 60 57 62 57 60 57 55 55 59 55 60 55 59 55 53 53 57 53 59 53 57 53 52 56 59 62 64 62 59 56 "
        "57 57 60 57 62 57 60 57 55 59 62 64 57 _ _ _",
    ),
)


def make_samples(folder: Path) -> list[Path]:
    """Write the sample tracks (4 kHz, 16 bit, mono; under 300 KB in all) into `folder`; existing ones stay."""
    folder.mkdir(parents=True, exist_ok=True)
    return [_make(folder, melody) for melody in _MELODIES]


def _make(folder: Path, melody: _Melody) -> Path:
    path = folder / melody.file_name
    # A file cut short by a kill is made anew; it takes its name only when it is whole.
    if path.exists() and read_tags(path) is not None:
        return path
    draft = path.with_suffix(".part.wav")
    with wave.open(str(draft), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_RATE)
        file.writeframes(_samples(melody))
    write_wav_tags(draft, melody.title, melody.artist)
    return draft.replace(path)


def _samples(melody: _Melody) -> bytes:
    sound: list[int] = []
    beat = round(_RATE * melody.beat_s)
    words = melody.notes.split()
    while words:
        note = words.pop(0)
        beats = 1
        while words and words[0] == "_":
            words.pop(0)
            beats += 1
        sound += [0] * beat if note == "-" else _tone(int(note), beat * beats)
    return struct.pack(f"<{len(sound)}h", *sound)


def _tone(note: int, samples: int) -> list[int]:
    turn = 2 * math.pi * 440 * 2 ** ((note - 69) / 12) / _RATE
    sound: list[int] = []
    for at in range(samples):
        fade = min(at / 40, 1.0, (samples - at) / 80) * math.exp(-1.8 * at / _RATE)
        value = math.sin(turn * at) + 0.35 * math.sin(2 * turn * at) + 0.15 * math.sin(3 * turn * at)
        sound.append(round(_LOUDNESS * fade * value))
    return sound
