"""The account of what was really sent, with which a test compares what a bot recorded."""

import time
from collections.abc import Callable
from dataclasses import dataclass

FRAME_MS = 20


@dataclass(frozen=True, slots=True)
class AccountedPlay:
    """One play of one track; times are Unix seconds, lengths are ms of sound in frames of 20 ms.

    `sent_ms` counts every frame handed to the voice connection; pauses and time without voice send none, and
    a track at double speed sends half its length. `heard_ms` leaves out what was sent after Discord had
    closed the voice socket, which Lavalink goes on filling. `end_reason` is Lavalink's own (finished,
    loadFailed, stopped, replaced, cleanup), `down` after a crash, and None while the play goes on.
    """

    guild_id: int
    session_id: str
    title: str
    identifier: str
    user_data: dict[str, object]
    started_at: float
    ended_at: float | None
    end_reason: str | None
    sent_ms: int
    heard_ms: int


class PlayRecord:
    """The open entry of a play; the player adds frames to it."""

    def __init__(self, play: AccountedPlay, settle: Callable[[], None]) -> None:
        self._play = play
        self._settle = settle
        self._sent = 0
        self._heard = 0
        self._end: tuple[float, str] | None = None
        self.user_data = play.user_data

    def add(self, frames: int, *, heard: bool) -> None:
        """Count frames; `heard` is whether Discord's voice server was listening."""
        self._sent += frames
        self._heard += frames if heard else 0

    def close(self, reason: str) -> None:
        """End the entry, once; later calls change nothing."""
        if self._end is None:
            self._end = (time.time(), reason)

    def play(self) -> AccountedPlay:
        """The entry as it stands now."""
        if self._end is None:
            self._settle()
        ended_at, reason = self._end or (None, None)
        play = self._play
        return AccountedPlay(
            play.guild_id,
            play.session_id,
            play.title,
            play.identifier,
            self.user_data,
            play.started_at,
            ended_at,
            reason,
            self._sent * FRAME_MS,
            self._heard * FRAME_MS,
        )


class Account:
    """All plays since the stand-in was made; it outlives `down` and `up`."""

    def __init__(self) -> None:
        self._records: list[PlayRecord] = []

    def open(
        self,
        guild_id: int,
        session_id: str,
        track: tuple[str, str],
        user_data: dict[str, object],
        settle: Callable[[], None],
    ) -> PlayRecord:
        """Start an entry; `track` is (title, identifier), `settle` brings the frame count up to now."""
        title, identifier = track
        play = AccountedPlay(guild_id, session_id, title, identifier, user_data, time.time(), None, None, 0, 0)
        record = PlayRecord(play, settle)
        self._records.append(record)
        return record

    @property
    def plays(self) -> list[AccountedPlay]:
        """Every play, in order of start."""
        return [record.play() for record in self._records]

    def of(self, guild_id: int) -> list[AccountedPlay]:
        """The plays in one guild, in order of start."""
        return [play for play in self.plays if play.guild_id == guild_id]
