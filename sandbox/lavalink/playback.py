"""The clock of one play: which 20 ms frame has been handed over by when. No audio is decoded.

Two places are kept apart. `timecode` is what Lavalink reports: it counts sound since the last seek, so
timescale does not scale it. `_media_ms` is the place in the track, which moves `speed` times as fast and
decides the end.
"""

import math

from sandbox.lavalink.account import FRAME_MS

# Seen on 4.2.2: the first frame follows a play by about 20 ms, and about 300 ms are sent ahead of the clock.
START_LATENCY_S = 0.02
BUFFER_S = 0.3
_FRAMES_A_SECOND = 1000 // FRAME_MS


class Playback:
    """Frames of one track, by the clock. All times are the event loop's, in seconds."""

    def __init__(self, end_ms: float, start_ms: int, speed: float) -> None:
        """Play from `start_ms` to `end_ms` (infinity for a live stream), both in the track's own ms."""
        self.end_ms = end_ms
        self.speed = speed
        self.frames = 0
        self.pending_seek: int | None = start_ms if start_ms else None
        self._shown_ms = 0
        self._next_ms = max(0, start_ms)
        self._media_ms = float(self._next_ms)
        self._from: float | None = None
        self._burst_frames = 0.0
        self._given = 0

    @property
    def running(self) -> bool:
        """Whether frames are being asked for."""
        return self._from is not None

    @property
    def timecode(self) -> int:
        """The last frame's time in ms, or where a seek that was not carried out yet wants to go."""
        return self._shown_ms if self.pending_seek is None else self.pending_seek

    @property
    def next_timecode(self) -> int:
        """The time in ms that the next frame will carry."""
        return self._next_ms

    @property
    def exhausted(self) -> bool:
        """Whether no frame is left."""
        return self.frames_left() <= 0

    def run(self, at: float, lead_s: float) -> None:
        """Hand over frames from `at` on, the first `lead_s` of sound at once (the empty send buffer)."""
        self._from = at
        self._burst_frames = lead_s * _FRAMES_A_SECOND
        self._given = 0

    def settle(self, now: float) -> int:
        """Count the frames that are due at `now`; returns how many are new."""
        if self._from is None or now < self._from:
            return 0
        due = math.floor((now - self._from) * _FRAMES_A_SECOND + self._burst_frames + 1e-6) - self._given
        new = int(min(max(due, 0), self.frames_left()))
        if new:
            self._given += new
            self.frames += new
            self._next_ms += new * FRAME_MS
            self._shown_ms = self._next_ms - FRAME_MS
            self._media_ms += new * FRAME_MS * self.speed
            self.pending_seek = None
        return new

    def halt(self, now: float) -> int:
        """Settle and stop asking for frames."""
        new = self.settle(now)
        self._from = None
        return new

    def seek(self, position_ms: int) -> None:
        """Go to a place; a place beyond the end leaves no frame."""
        self._next_ms = max(0, position_ms)
        self._media_ms = float(self._next_ms)
        self.pending_seek = self._next_ms

    def land(self) -> None:
        """The decoder has carried the seek out: until a frame comes, the last frame's time shows again."""
        if not self.exhausted:
            self.pending_seek = None

    def frames_left(self) -> float:
        """Frames to the end of the track at the present speed; infinity for a live stream."""
        if math.isinf(self.end_ms):
            return math.inf
        return max(0, math.ceil((self.end_ms - self._media_ms) / (FRAME_MS * self.speed) - 1e-9))

    def time_after(self, more: float) -> float:
        """The loop time at which so many more frames have been handed over; only while running."""
        assert self._from is not None
        return self._from + max(0.0, (self._given + more - self._burst_frames) / _FRAMES_A_SECOND)
