"""The truth about plays and sessions: what plays where, how far it is, how much was heard, why it ended."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime

from services.live_play import ENDLESS_MS, LivePlay, Playing, Track
from services.play_clock import PlayClock
from services.recorder import Records
from services.rows import EndReason, Play

ROWS_A_SECOND = 20
"""So many sessions are recorded again each second at most; the guilds take turns."""
RESTAMP_S = 240
"""Every live session, paused too, is recorded again after so long at the latest."""
REMEMBERED = 4_096
"""So many ended plays are remembered, so that a late start or end of one does nothing."""


class Playback:
    """Plays and sessions of all guilds; every method is synchronous and records what changed at once.

    Plays are known by the id that `new_play_id` gave, which travels in the track's user data; an event of a
    play that has ended already does nothing. `monotonic` is in seconds.
    """

    def __init__(  # noqa: PLR0917 - one argument a collaborator, given once by the composition root
        self,
        recorder: Records,
        application_id: Callable[[], str],
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        new_id: Callable[[], str],
        position_interval: float,
    ) -> None:
        self.new_play_id = new_id
        self._recorder = recorder
        self._application_id = application_id
        self._now = now
        self._monotonic = monotonic
        self._position_interval = position_interval
        self._guilds: dict[str, LivePlay] = {}
        self._plays: dict[str, str] = {}
        self._sessions: set[str] = set()
        self._begun: set[str] = set()
        self._voice: dict[str, tuple[bool, float]] = {}
        self._over: dict[str, None] = {}
        self._ticked_at = monotonic()
        self._closed = False

    # What plays

    def playing(self, guild_id: str) -> Playing | None:
        """The guild's current play, or None."""
        live = self._guilds.get(guild_id)
        return live.playing(self._monotonic()) if live is not None else None

    def live(self) -> frozenset[str]:
        """The guilds that have a session."""
        return frozenset(self._sessions)

    def begun(self) -> frozenset[str]:
        """The guilds that have had a session since the process started."""
        return frozenset(self._begun)

    def live_plays(self) -> frozenset[str]:
        """The ids of the plays that have not ended."""
        return frozenset(self._plays)

    def silent_for(self, guild_id: str) -> float:
        """Seconds for which the guild's play has had no voice connection; 0 while it has one."""
        connected, since = self._voice.get(guild_id, (True, 0.0))
        live = self._guilds.get(guild_id)
        return 0.0 if connected or live is None or live.clock.away else self._monotonic() - since

    # How a play goes

    def started(
        self,
        play_id: str,
        guild_id: str,
        track: Track,
        *,
        paused: bool = False,
        position_ms: int = 0,
        speed: float = 1.0,
    ) -> None:
        """The play began; told again (by the event and by the answer, in any order) it does nothing."""
        if self._closed or play_id in self._plays or play_id in self._over:
            return
        before = self._guilds.get(guild_id)
        if before is not None:
            self._end(before, before.ending or "replaced")
        at = self._monotonic()
        duration = track.duration_ms if 0 <= track.duration_ms < ENDLESS_MS else 0
        connected = self._voice.get(guild_id, (False, 0.0))[0]
        clock = PlayClock(at, duration, speed=speed, paused=paused, connected=connected)
        clock.jump(at, position_ms)
        play = Play(play_id, self._now(), guild_id, track.title, track.url, duration, track.requested_by)
        live = LivePlay(play, clock, at)
        self._guilds[guild_id], self._plays[play_id] = live, guild_id
        self._recorder.record(play)
        self._stamp(live)

    def position(self, guild_id: str, position_ms: int, connected: bool) -> None:
        """Lavalink's `playerUpdate`: its position in ms, and whether it has a voice connection to Discord."""
        at = self._monotonic()
        was_connected, since = self._voice.get(guild_id, (None, at))
        self._voice[guild_id] = (connected, since if connected == was_connected else at)
        if live := self._guilds.get(guild_id):
            returns = live.returning
            live.find(at)
            live.clock.sample(at, position_ms, connected)
            if returns:
                self._stamp(live)

    def paused(self, guild_id: str, paused: bool, position_ms: int | None = None) -> None:
        """Paused or resumed, at Lavalink's `position_ms` where its answer told."""
        if live := self._guilds.get(guild_id):
            at = self._monotonic()
            live.find(at)
            if position_ms is not None:
                live.clock.sample(at, position_ms, live.clock.connected)
            live.clock.pause(at, paused)
            self._stamp(live)

    @contextmanager
    def seeking(self, guild_id: str, position_ms: int) -> Generator[None]:
        """Around the request of a seek to `position_ms`: recorded if it went well, forgotten if it raised."""
        live = self._guilds.get(guild_id)
        if live is None:
            yield
            return
        live.find(self._monotonic())
        live.clock.seeking = True
        try:
            yield
            live.clock.seek(self._monotonic(), position_ms)
        finally:
            live.clock.seeking = False
        if self._guilds.get(guild_id) is live:
            self._stamp(live)

    def speed_changed(self, guild_id: str, speed: float) -> None:
        """A millisecond of sound is now `speed` milliseconds of the track (Lavalink's timescale filter)."""
        live = self._guilds.get(guild_id)
        if live is not None and speed > 0 and live.clock.speed != speed:
            live.clock.set_speed(self._monotonic(), speed)
            self._stamp(live)

    # How it ends

    def will_end(self, play_id: str, reason: EndReason | None) -> None:
        """The next end of this play, whatever the node calls it, is due to `reason`; None takes that back."""
        if live := self._find(play_id):
            live.ending = reason

    def is_ending(self, play_id: str) -> bool:
        """Whether somebody has already asked for the end of this play."""
        live = self._find(play_id)
        return live is not None and live.ending is not None

    def is_broken(self, play_id: str) -> bool:
        """Whether the node reported an exception in this play."""
        live = self._find(play_id)
        return live is not None and live.broken

    def broke(self, play_id: str) -> None:
        """The node reported an exception in this play; what is buffered is still heard."""
        if live := self._find(play_id):
            live.broken = True

    def ended(self, play_id: str, reason: EndReason, *, position_ms: int | None = None, follows: bool = False) -> None:
        """The play ended, at Lavalink's `position_ms` where told; its session too, unless another `follows`.

        What was asked for (`will_end`) and what broke (`broke`) is the better reason.
        """
        live = self._find(play_id)
        if live is None:
            return
        if live.ending is not None:
            reason = live.ending
        elif live.broken and reason == "finished":
            reason = "failed"
        self._end(live, reason, position_ms)
        if not follows:
            self._close_session(live.play.guild_id)

    def nothing_follows(self, guild_id: str) -> None:
        """What should have followed did not come: the guild's session is over."""
        if guild_id not in self._guilds:
            self._close_session(guild_id)

    def closed(self, guild_id: str, reason: EndReason) -> None:
        """The guild's player is gone, and its play with it."""
        self._voice.pop(guild_id, None)
        if live := self._guilds.get(guild_id):
            self._end(live, live.ending or reason)
        self._close_session(guild_id)

    def shutdown(self) -> None:
        """The process ends: every play ends with it, every session is over, and nothing starts any more."""
        self._closed = True
        for live in list(self._guilds.values()):
            self._end(live, "shutdown")
        for guild_id in list(self._sessions):
            self._close_session(guild_id)

    # Nodes

    def node_lost(self, guild_id: str) -> None:
        """The guild's node is gone: its session stands still until `node_back`, `restored` or `closed`."""
        live = self._guilds.get(guild_id)
        if live is None:
            return
        live.returning = False
        if not live.clock.away:
            live.clock.lose(self._monotonic())
            self._stamp(live)

    def node_back(self, guild_id: str) -> None:
        """The node took its session up again and played on all the while (`ready` with `resumed`).

        How far it is only its next word tells: until then the session stands still.
        """
        live = self._guilds.get(guild_id)
        if live is not None and live.clock.away:
            live.returning = True

    def restored(self, play_id: str, position_ms: int) -> None:
        """The play goes on from `position_ms` on a node that knew nothing of it: what is heard adds up."""
        live = self._find(play_id)
        if live is not None and live.clock.away:
            live.broken = live.returning = False
            live.clock.jump(self._monotonic(), position_ms)
            self._stamp(live)

    # Time

    def tick(self) -> None:
        """To be called about twice a second: records what plays, many guilds in one go, each at its turn.

        Its turn comes every `position_interval` seconds, or every (playing guilds / 20) where that is longer.
        """
        at = self._monotonic()
        since, self._ticked_at = at - self._ticked_at, at
        playing = sum(live.is_playing for live in self._guilds.values())
        turn = min(max(self._position_interval, playing / ROWS_A_SECOND), RESTAMP_S)
        wait = {True: turn, False: RESTAMP_S}
        due = [live for live in self._guilds.values() if at - live.recorded_at >= wait[live.is_playing]]
        due.sort(key=lambda live: live.recorded_at)
        for live in due[: max(1, math.ceil(since * ROWS_A_SECOND))]:
            live.recorded_at = at
            self._recorder.record_tick(live.session(at, self._now(), self._application_id()))

    def _find(self, play_id: str) -> LivePlay | None:
        guild_id = self._plays.get(play_id)
        return self._guilds.get(guild_id) if guild_id is not None else None

    def _end(self, live: LivePlay, reason: EndReason, position_ms: int | None = None) -> None:
        play_id = live.play.event_id
        self._recorder.record(live.end(self._monotonic(), self._now(), reason, position_ms))
        del self._guilds[live.play.guild_id], self._plays[play_id]
        self._over[play_id] = None
        if len(self._over) > REMEMBERED:
            del self._over[next(iter(self._over))]

    def _close_session(self, guild_id: str) -> None:
        if guild_id in self._sessions:
            self._sessions.remove(guild_id)
            self._recorder.close_session(guild_id)

    def _stamp(self, live: LivePlay) -> None:
        self._sessions.add(live.play.guild_id)
        self._begun.add(live.play.guild_id)
        live.recorded_at = self._monotonic()
        self._recorder.record(live.session(live.recorded_at, self._now(), self._application_id()))
