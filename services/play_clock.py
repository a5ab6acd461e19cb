"""Where a play is in its track, and how much of it was heard."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

SLACK_MS = 2_000
"""Lavalink may be this far ahead of the clock: it sends a buffer ahead, and its word of the start came late."""
AHEAD_MS = 500
"""Right after a start or a seek only this far: it sends about 300 ms ahead (seen on 4.2.2), and what is further ahead
is of the track or the place before."""
SILENCE_MS = 10_000
"""Without a word from the node for longer than this, nothing is assumed to play (updates come every 5 s)."""
FRAME_MS = 20
"""A frame of Opus."""
TAIL_MS = 1_000
"""A track that finished within this much of its end was heard to the end: the last buffer was sent ahead."""


@dataclass(slots=True)
class PlayClock:
    """The place in a track and the milliseconds heard, from Lavalink's samples and a monotonic clock.

    Lavalink's own `position` counts milliseconds of sound since the last seek; a timescale filter does not
    scale it (seen on Lavalink 4.2.2). Hence sound and place are kept apart: the place moves `speed` times as
    fast. All `at` are seconds of one monotonic clock; everything else is in ms.
    """

    at: float
    """When the node last told of it."""
    duration_ms: int
    """Length of the track; 0 for a live stream."""
    reported_ms: float = 0
    """Lavalink's position in the last sample that was believed, or after a jump."""
    place_ms: float = 0
    """The place in the track then."""
    heard_ms: float = 0
    """Heard until then."""
    speed: float = 1.0
    paused: bool = False
    connected: bool = False
    """Whether the node is connected to Discord's voice gateway."""
    away: bool = False
    """Whether the node is lost."""
    seeking: bool = False
    """A seek was sent and is not yet answered: samples may be of either side of it."""
    # Estimated since the last sample, up to `_until`: sound made, sound heard, and the place's way.
    _until: float = 0
    _sound: float = 0
    _sound_heard: float = 0
    _way: float = 0
    _was_connected: bool = False
    _sought_from: list[float] = field(default_factory=list[float])
    """Lavalink's positions before the last seeks, until a sample tells of the new place."""
    _jumped: bool = False
    """Whether no sample has told of the place since the last jump."""
    # Since the last jump, or the last sample that was not possible: Lavalink's position then, and the time in ms in
    # which it may have played. Updates may come late and many at once, so no sample is judged by the one before.
    _base_ms: float = 0
    _ran_ms: float = 0

    def __post_init__(self) -> None:
        self._until = self.at
        self._was_connected = self.connected

    def place(self, at: float) -> int:
        """The place in the track at `at`, in ms."""
        self._estimate(at)
        return round(self.place_ms + self._way)

    def heard(self, at: float) -> int:
        """Milliseconds of audio heard until `at`."""
        self._estimate(at)
        return round(self.heard_ms + self._sound_heard)

    def sample(self, at: float, reported_ms: int, connected: bool) -> None:
        """Lavalink's word: it stood at `reported_ms` at `at`, connected to voice or not."""
        if self.away or self.seeking:
            return
        self._estimate(at)
        if not self._is_old(reported_ms):
            self._anchor(at, reported_ms)
            self._sought_from.clear()
            self._jumped = False
        self.at = at
        self.connected = connected
        self._was_connected |= connected

    def pause(self, at: float, paused: bool) -> None:
        """Paused or resumed at `at`."""
        self._estimate(at)
        self.paused = paused

    def set_speed(self, at: float, speed: float) -> None:
        """From `at` on, a millisecond of sound is `speed` milliseconds of the track."""
        self._estimate(at)
        self.speed = speed

    def lose(self, at: float) -> None:
        """The node was lost at `at`: nothing moves until `find` or `jump`."""
        self._estimate(at)
        self.away = True

    def find(self, at: float) -> None:
        """The node is back and played on all the while: its next sample tells how far."""
        self._estimate(at)
        self.away = False

    def seek(self, at: float, place_ms: int) -> None:
        """A seek to `place_ms` was accepted at `at`."""
        self._estimate(at)
        before = self.reported_ms + self._sound
        self.jump(at, place_ms)
        self._sought_from.append(before)

    def jump(self, at: float, place_ms: int) -> None:
        """Since `at` the track plays from `place_ms`: a play begun there, or taken up again."""
        self._estimate(at)
        self.heard_ms += self._sound_heard
        place = min(place_ms, self.duration_ms) if self.duration_ms else place_ms
        self.reported_ms = self.place_ms = max(place, 0)
        self._settled(at)
        self._rebase()
        self.away, self._jumped = False, True

    def end(self, at: float, reported_ms: int | None, *, finished: bool) -> int:
        """Milliseconds heard in all of a track that ended at `at`, at Lavalink's `reported_ms` where known.

        `finished`: it came to its end by itself and did not break on the way.
        """
        self._estimate(at)
        if reported_ms is not None and self._possible(reported_ms):
            self._anchor(at, reported_ms)
        if finished and self.duration_ms:
            remaining = self.duration_ms - self.place_ms - self._way
            if 0 < remaining <= TAIL_MS * self.speed:
                self._sound_heard += remaining / self.speed
        return round(self.heard_ms + self._sound_heard)

    def _possible(self, reported_ms: float) -> bool:
        slack = AHEAD_MS if self._jumped else SLACK_MS
        return self.reported_ms <= reported_ms <= self._base_ms + self._ran_ms + slack

    def _is_old(self, reported_ms: float) -> bool:
        """Whether Lavalink still tells of where it was before a seek.

        It does so until a frame of the new place has been sent: for as long as the player is paused or without
        voice, that is (seen on Lavalink 4.2.2).
        """
        distance = min((abs(reported_ms - before) for before in self._sought_from), default=math.inf)
        return distance <= FRAME_MS or (distance <= SLACK_MS and not self._possible(reported_ms))

    def _anchor(self, at: float, reported_ms: float) -> None:
        sound = reported_ms - self.reported_ms
        possible = self._possible(reported_ms)
        if possible:
            # The sample tells how much sound there was, the estimate which share was heard and at what speed.
            share = self._sound_heard / self._sound if self._sound else float(self.connected)
            pace = self._way / self._sound if self._sound else self.speed
            self.heard_ms += sound * share
            self.place_ms += sound * pace
        else:
            self.heard_ms += self._sound_heard
            self.place_ms = reported_ms
        if self.duration_ms:
            self.place_ms = min(self.place_ms, self.duration_ms)
        self.reported_ms = reported_ms
        self._settled(at)
        if not possible:
            self._rebase()

    def _rebase(self) -> None:
        self._base_ms, self._ran_ms = self.reported_ms, 0

    def _settled(self, at: float) -> None:
        self.at = self._until = at
        self._sound = self._sound_heard = self._way = 0

    def _estimate(self, at: float) -> None:
        start, self._until = self._until, max(at, self._until)
        if not self.paused:
            self._ran_ms += (self._until - start) * 1000
        # Lavalink waits for the first voice connection; after a closed one it plays on, unheard (seen on 4.2.2).
        if self.paused or self.away or not self._was_connected:
            return
        silence = self.at + SILENCE_MS / 1000
        sound = max(min(self._until, silence) - start, 0) * 1000
        if self.duration_ms:
            sound = min(sound, max(self.duration_ms - self.place_ms - self._way, 0) / self.speed)
        self._sound += sound
        self._way += sound * self.speed
        if self.connected:
            self._sound_heard += sound
