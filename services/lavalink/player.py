"""A guild's player: plays its queue, and reports what it does."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Any

import discord
import wavelink

from services.errors import UserError
from services.i18n import N_
from services.lavalink.faults import NodeUnavailable
from services.lavalink.node import Node
from services.lavalink.tracks import for_play, known_track
from services.lavalink.voice import VoicePlayer
from services.playback import Playback
from services.rows import EndReason

log = logging.getLogger("bot.lavalink")
QUEUE_TRACKS = 500
LARGEST_VOLUME = 200
SAME_SKIP_S = 1.0
END_S = 1.0
"""The node's word of a track's end, with its last position, comes within milliseconds of the answer."""


class Player(VoicePlayer):
    """A player with a queue of its own; whatever it does is in `Playback` once it has happened."""

    def __init__(
        self,
        client: discord.Client,
        channel: discord.VoiceChannel | discord.StageChannel,
        *,
        node: Node,
        playback: Playback,
    ) -> None:
        super().__init__(client, channel, node=node, playback=playback)
        self.upcoming: deque[wavelink.Playable] = deque()
        self.turn = asyncio.Lock()
        """Held while what plays is being changed."""
        self.failures = 0
        """Plays in a row that failed."""
        self._skipped: tuple[int | None, float] = (None, 0.0)
        self.home: discord.abc.Messageable | None = None
        """Where the last track was asked for: what is to be told is told there."""

    # The queue

    def enqueue(self, tracks: list[wavelink.Playable], requester: str) -> list[wavelink.Playable]:
        """Add `tracks` for `requester` (a display name), as many as there is room for; returns those.

        Raises:
            UserError: the queue is full.
        """
        room = QUEUE_TRACKS - len(self.upcoming)
        if room <= 0:
            raise UserError(N_("The queue is full: it holds {limit} tracks."), limit=QUEUE_TRACKS)
        added = [for_play(track, requester) for track in tracks[:room]]
        self.upcoming.extend(added)
        return added

    def place_of(self, track: wavelink.Playable) -> int:
        """Where `track` is in the queue, the next one being 1; 0 for one that is not in it any more."""
        return next((number for number, each in enumerate(self.upcoming, 1) if each is track), 0)

    async def advance(self) -> None:
        """Play the next track if nothing plays; without one the session is over.

        Raises:
            NodeUnavailable, NodeRefused: it could not be started; it is still the next if the node was away.
        """
        async with self.turn:
            if self.current is None and self.upcoming:
                await self._play_next()
            elif self.current is None:
                self.playback.nothing_follows(self.key)

    async def skip_current(self, reason: EndReason = "skipped", *, by: int | None = None) -> None:
        """End the current track for `reason`; the next one starts playing, also after a pause.

        Two members (`by`, a user's id) who press at once mean the same track.

        Raises:
            UserError: nothing plays, or somebody else has just skipped.
        """
        async with self.turn:
            self._check_skip(by)
            if self.current is None:
                raise UserError(N_("Nothing is playing here."))
            with self._ending(reason):
                if self.upcoming:
                    await self._play_next()
                else:
                    await self.skip()

    def _check_skip(self, by: int | None) -> None:
        now = time.monotonic()
        last_by, last_at = self._skipped
        if by is not None and last_by not in {None, by} and now - last_at < SAME_SKIP_S:
            raise UserError(N_("Somebody else has just skipped."))
        self._skipped = (by, now)

    async def stop_playing(self) -> None:
        """Forget the queue, end the current track, and leave the channel."""
        self.upcoming.clear()
        # Ended on its own first, the track's last position comes from the node.
        with suppress(UserError), self._ending("stopped"):
            await super().skip()
        await self.stop_all()

    async def _play_next(self) -> None:
        track = self.upcoming.popleft()
        try:
            await self.play(track, paused=False)
        except NodeUnavailable:
            self.upcoming.appendleft(track)
            self.playback.nothing_follows(self.key)
            raise

    def adopt(self, track: wavelink.Playable) -> None:
        """The node plays `track` though its answer never came: so be it."""
        if self._current is None:
            self._current = self._original = track

    async def take_up(self) -> None:
        """The node was started anew: play on from where the current play was, as it was, or else give up.

        The play keeps its row, and stays paused if it was.
        """
        async with self.turn:
            playing, track = self.playback.playing(self.key), self._current
            try:
                await self.send_voice()
                if playing is None or track is None:
                    self.playback.closed(self.key, "lost")
                    if self.upcoming:
                        await self._play_next()
                    return
                await self.play(track, start=playing.position_ms, paused=playing.paused)
            except UserError as error:
                log.warning("Guild %s: the play was lost with its node: %r", self.key, error)
                await self.stop_all("lost")
                return
            self.playback.restored(playing.play_id, playing.position_ms)
            self.changed()

    # What is reported

    async def play(self, track: wavelink.Playable, **options: Any) -> wavelink.Playable:
        """As wavelink's; recorded once it started. A `track` whose play is being taken up goes on as that play."""
        before = self._current, self._original, self._previous, self._paused
        # The event of the start may come before the answer, and reads it.
        self._paused = bool(options.get("paused", self._paused))
        identity = dict(track.extras).get("play_id")
        if not (identity and identity == self._live_id()):
            identity = self.playback.new_play_id()
            track.extras = {**dict(track.extras), "play_id": identity, "guild_id": self.key}
        try:
            # wavelink's history has no bound.
            await super().play(track, add_history=False, **options)
        except UserError:
            self._current, self._original, self._previous, self._paused = before
            raise
        self.playback.started(
            identity,
            self.key,
            known_track(track),
            paused=self.paused,
            position_ms=options.get("start", 0),
            speed=speed_of(self.filters),
        )
        self.changed()
        return track

    async def pause(self, value: bool, /) -> None:
        """As wavelink's; recorded with the position that the node gives."""
        answer = await self.lavalink.patch(self.guild_id, {"paused": value})
        self._paused = value
        self.playback.paused(self.key, value, answer["state"]["position"])
        self.changed()

    async def seek(self, position: int = 0, /) -> None:
        """As wavelink's, in ms of the track."""
        with self.playback.seeking(self.key, position):
            await super().seek(position)
        self.changed()

    async def skip(self, *, force: bool = True) -> wavelink.Playable | None:
        """As wavelink's: nothing follows."""
        play_id = self._live_id()
        with self._ending("skipped"):
            track = await super().skip(force=force)
        if play_id:
            asyncio.get_running_loop().call_later(END_S, self.playback.ended, play_id, "skipped")
        return track

    async def set_volume(self, value: int = 100, /) -> None:
        """As wavelink's, from 0 to 200.

        Raises:
            UserError: the value is outside of that.
        """
        self.check_volume(value)
        await super().set_volume(value)

    @staticmethod
    def check_volume(value: int) -> None:
        """Whether `set_volume` takes `value`.

        Raises:
            UserError: it does not.
        """
        if not 0 <= value <= LARGEST_VOLUME:
            raise UserError(N_("The volume goes from 0 to {limit}."), limit=LARGEST_VOLUME)

    async def set_filters(self, filters: wavelink.Filters | None = None, /, *, seek: bool = False) -> None:
        """As wavelink's; a timescale changes how fast the place in the track moves."""
        await super().set_filters(filters, seek=seek)
        self.playback.speed_changed(self.key, speed_of(self.filters))

    @contextmanager
    def _ending(self, reason: EndReason) -> Generator[None]:
        play_id = self._live_id()
        asked_before = play_id is not None and self.playback.is_ending(play_id)
        if play_id and not asked_before:
            self.playback.will_end(play_id, reason)
        try:
            yield
        except BaseException:
            if play_id and not asked_before:
                self.playback.will_end(play_id, None)
            raise

    def _live_id(self) -> str | None:
        playing = self.playback.playing(self.key)
        return playing.play_id if playing else None

    async def _destroy(self, with_invalidate: bool = True) -> None:
        if with_invalidate:
            self.upcoming.clear()
        await super()._destroy(with_invalidate)


def speed_of(filters: wavelink.Filters) -> float:
    """Milliseconds of the track in a millisecond of sound."""
    timescale = filters.timescale.payload
    return (timescale.get("speed") or 1.0) * (timescale.get("rate") or 1.0)
