"""A player: one guild's track, voice, volume and filters, moved by the clock and by PATCHes."""

import asyncio
import time
from collections.abc import Callable

from sandbox.lavalink.current_track import CurrentTrack
from sandbox.lavalink.filters import Filters
from sandbox.lavalink.frame_meter import FrameMeter
from sandbox.lavalink.outlet import Outlet
from sandbox.lavalink.payloads import Message, event, exception_payload, player_update
from sandbox.lavalink.playback import START_LATENCY_S
from sandbox.lavalink.timers import Timers
from sandbox.lavalink.voice import VoiceConnection, VoiceState

UPDATE_INTERVAL_S = 5.0
# Within this a seek is carried out by the decoder, and the wish no longer shows as the position.
_SEEK_S = 0.005


class Player:
    """One guild's player. Its methods are synchronous; what they cause is sent through the outlet."""

    def __init__(self, guild_id: int, outlet: Outlet) -> None:
        self.guild_id = guild_id
        self.volume = 100
        self.paused = False
        self.filters = Filters()
        self.voice = VoiceConnection()
        self.current: CurrentTrack | None = None
        self._outlet = outlet
        self._send = outlet.send
        self._loop = asyncio.get_running_loop()
        self._timers = Timers()
        self.meter = FrameMeter()

    @property
    def position(self) -> int:
        """The reported position in ms; 0 without a track."""
        self.settle()
        return self.current.playback.timecode if self.current else 0

    @property
    def playing(self) -> bool:
        """Lavalink's sense: there is a track and it is not paused, with voice or without."""
        return self.current is not None and not self.paused

    def state(self) -> Message:
        """The `state` of a player and of a playerUpdate."""
        return {
            "time": int(time.time() * 1000),
            "position": self.position,
            "connected": self.voice.connected,
            "ping": self.voice.ping(self._loop.time()),
        }

    def payload(self) -> Message:
        """The player as REST shows it."""
        state = self.state()
        return {
            "guildId": str(self.guild_id),
            "track": self.current.payload() if self.current else None,
            "volume": self.volume,
            "paused": self.paused,
            "state": state,
            "voice": self.voice.state.payload(),
            "filters": self.filters.values,
        }

    def divert(self, send: Callable[[Message], None] | None) -> None:
        """Let messages go to `send` instead of the outlet, until called with None."""
        self._send = send or self._outlet.send

    def update(self) -> None:
        """Send a playerUpdate."""
        self._send(player_update(self.guild_id, self.state()))

    def play(self, track: CurrentTrack) -> None:
        """Start a track, replacing the one before."""
        self.end("replaced")
        self.current = track
        info = track.info
        track.record = self._outlet.account.open(
            self.guild_id, self._outlet.id, (info.title, info.identifier), track.user_data, self.settle
        )
        self._send(event("TrackStartEvent", self.guild_id, track=track.payload()))
        self.update()
        self.update()
        self._update_in(self._loop.time() + UPDATE_INTERVAL_S)
        self._timers.after("land", _SEEK_S, track.playback.land)
        if track.course.failure is not None:
            self._timers.after("failure", track.course.failure.after_s, self._fail)
        self.sync()

    def destroy(self, reason: str, *, tell: bool) -> None:
        """The player goes; the client is told how its track and voice ended, or the account only."""
        if not tell:
            self.divert(lambda _: None)
        self.end(reason)
        if self.voice.connected:
            self.voice_closed(1000, "", by_remote=False)
        self._timers.cancel_all()

    def settle(self) -> None:
        """Count what was sent until now."""
        if self.current is not None:
            self._count(self.current.playback.settle(self._loop.time()))

    def sync(self) -> None:
        """After any change: let the track run or halt, and wait for what comes next."""
        track = self.current
        if track is None:
            return
        now = self._loop.time()
        playback = track.playback
        self._count(playback.settle(now))
        runs = self.voice.carrying and not self.paused
        if runs and not playback.running:
            playback.run(now + START_LATENCY_S, self.voice.lead(now + START_LATENCY_S))
            self.meter.start(now)
        elif not runs and playback.running:
            self._halt(track, now)
            self.meter.stop()
        self._await_next(track)

    def seek(self, position_ms: int) -> None:
        """Go to a place in the track; beyond its end it ends as soon as voice carries sound."""
        if self.current is None:
            return
        self.settle()
        self.current.playback.seek(position_ms)
        self.current.stuck = False
        self._timers.after("land", _SEEK_S, self.current.playback.land)

    def set_filters(self, filters: Filters) -> None:
        """Replace all filters; timescale changes how fast the track is used up."""
        self.settle()
        self.filters = filters
        if self.current is not None:
            self.current.playback.speed = filters.speed

    def set_end_time(self, end_time: int | None) -> None:
        """Let the track finish at a position in ms; one that has passed never fires."""
        if self.current is not None:
            passed = end_time is not None and end_time <= self.position
            self.current.end_time = None if passed else end_time

    def set_user_data(self, user_data: dict[str, object]) -> None:
        """Replace the live track's userData."""
        if self.current is not None and self.current.record is not None:
            self.current.user_data = self.current.record.user_data = user_data

    def voice_opens(self, state: VoiceState, *, carrying: bool) -> None:
        """A new voice socket is open, with an empty send buffer."""
        now = self._loop.time()
        if self.current is not None:
            self._halt(self.current, now)
        self.voice.open(state, now, carrying=carrying)
        self.sync()

    def voice_closed(self, code: int, reason: str, *, by_remote: bool) -> None:
        """The voice socket has closed: tell the client, and go on sending if it was Discord who closed it."""
        self.settle()
        if by_remote:
            self.voice.closed_by_remote()
        else:
            if self.current is not None and self.current.playback.running:
                self._halt(self.current, self._loop.time())
            self.voice.destroy()
        closed = event("WebSocketClosedEvent", self.guild_id, code=code, reason=reason, byRemote=by_remote)
        self._send(closed)
        self.update()
        self.sync()

    def _await_next(self, track: CurrentTrack) -> None:
        self._timers.cancel("next")
        playback = track.playback
        if not playback.running:
            return
        left = playback.frames_left()
        stalls = track.course.ending == "stall"
        if track.end_time is not None:
            to_end_time = -(-(track.end_time - playback.next_timecode) // 20)
            if to_end_time < left:
                at = playback.time_after(max(0, to_end_time))
                self._timers.at("next", at, lambda: self.end("finished"))
                return
        if stalls and not track.stuck:
            threshold_s = self._outlet.stuck_threshold_ms / 1000
            self._timers.at("next", playback.time_after(left) + threshold_s, self._get_stuck)
        elif not stalls and left != float("inf"):
            ending = track.course.ending
            self._timers.at("next", playback.time_after(left), lambda: self.end(ending))

    def end(self, reason: str) -> None:
        """End the track, if there is one, with one of Lavalink's reasons."""
        track = self.current
        if track is None or track.record is None:
            return
        now = self._loop.time()
        self._halt(track, now)
        self._timers.cancel("next", "update", "failure", "land")
        if reason == "finished":
            # The wish to seek beyond the end goes, the last frame's time is what the event shows.
            track.playback.pending_seek = None
        ended = event("TrackEndEvent", self.guild_id, track=track.payload(), reason=reason)
        track.record.close(reason)
        self.current = None
        self._send(ended)

    def _halt(self, track: CurrentTrack, now: float) -> None:
        if track.playback.running:
            self._count(track.playback.halt(now))
            self.voice.fill(now)

    def _fail(self) -> None:
        if self.current is not None and self.current.course.failure is not None:
            failure = self.current.course.failure
            exception = exception_payload(failure.message, failure.cause)
            track = self.current.payload()
            self._send(event("TrackExceptionEvent", self.guild_id, track=track, exception=exception))

    def _get_stuck(self) -> None:
        if self.current is not None:
            self.settle()
            self.current.stuck = True
            threshold = self._outlet.stuck_threshold_ms
            track = self.current.payload()
            self._send(event("TrackStuckEvent", self.guild_id, track=track, thresholdMs=threshold))
            self.update()

    def _count(self, frames: int) -> None:
        self.meter.add(frames)
        if frames and self.current is not None and self.current.record is not None:
            self.current.record.add(frames, heard=self.voice.connected)

    def _update_in(self, at: float) -> None:
        # Always from the track's start: one in between, for a seek or so, does not shift the rhythm.
        def tick() -> None:
            self.update()
            self._update_in(at + UPDATE_INTERVAL_S)

        self._timers.at("update", at, tick)
