"""What a player does, reported to `Playback` once it has happened."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import discord
import wavelink

from services.errors import UserError
from services.i18n import N_
from services.lavalink.faults import PlayerGone
from services.lavalink.node import Node
from services.lavalink.tracks import identity, known_track
from services.lavalink.voice import VoicePlayer
from services.playback import Playback
from services.rows import EndReason

LARGEST_VOLUME = 200
END_S = 1.0
"""The node's word of a track's end, with its last position, comes within milliseconds of the answer."""


class ReportingPlayer(VoicePlayer):
    """`wavelink.Player` whose every change is in `Playback`.

    `_original` is the track that was asked for last and has not ended. wavelink's `_current` follows it: wavelink
    clears that on any track's end, and the end of the track before may come when the next one plays already.
    """

    def __init__(
        self,
        client: discord.Client,
        channel: discord.VoiceChannel | discord.StageChannel,
        *,
        node: Node,
        playback: Playback,
    ) -> None:
        super().__init__(client, channel, node=node, playback=playback)
        self._begun: str | None = None
        """The play that the node last said has started."""

    # What the node says

    def begun(self, track: wavelink.Playable, play_id: str) -> None:
        """The node plays `track`, as this play, even if its answer should never come."""
        self._begun = play_id
        if self._original is None:
            self._current = self._original = track

    def over(self, play_id: str | None) -> None:
        """The node said that this play has ended; None for one that goes on all the same."""
        if play_id and self.plays(play_id):
            self._original = None
        self._current = self._original

    def plays(self, play_id: str) -> bool:
        """Whether it is this play that was asked for last."""
        known = identity(self._original) if self._original is not None else None
        return known is not None and known[0] == play_id

    # What is asked of the node

    async def play(self, track: wavelink.Playable, **options: Any) -> wavelink.Playable:
        """As wavelink's; recorded once it started. A `track` whose play is being taken up goes on as that play.

        Raises:
            NodeUnavailable, NodeRefused: the node did not start it.
            PlayerGone: the player has left its channel.
        """
        if self.gone:
            raise PlayerGone
        before = self._original, self._previous, self._paused
        # The event of the start may come before the answer, and reads it.
        self._paused = bool(options.get("paused", self._paused))
        play_id = self._identify(track)
        self._begun = None
        try:
            # wavelink's history has no bound.
            await super().play(track, add_history=False, **options)
        except UserError:
            if not self._has_begun(play_id):
                self._original, self._previous, self._paused = before
                self._current = self._original = self._original if self._is_live(self._original) else None
                raise
        if self.gone:
            # The node would have made a new player, which nobody would ever stop.
            await self.lavalink.destroy_quietly(self.guild_id)
            raise PlayerGone
        self.playback.started(
            play_id,
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
        if self.gone:
            raise PlayerGone
        with self.playback.seeking(self.key, position):
            await super().seek(position)
        self.changed()

    async def skip(self, *, force: bool = True) -> wavelink.Playable | None:
        """As wavelink's: nothing follows."""
        play_id = self.live_id
        with self.ending("skipped"):
            track = await super().skip(force=force)
        self._current = self._original = None
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

    @property
    def live_id(self) -> str | None:
        """The id of the guild's current play."""
        playing = self.playback.playing(self.key)
        return playing.play_id if playing else None

    @contextmanager
    def ending(self, reason: EndReason) -> Generator[None]:
        """Around a request that ends the current play for `reason`; taken back if it raises."""
        play_id = self.live_id
        asked_before = play_id is not None and self.playback.is_ending(play_id)
        if play_id and not asked_before:
            self.playback.will_end(play_id, reason)
        try:
            yield
        except BaseException:
            if play_id and not asked_before:
                self.playback.will_end(play_id, None)
            raise

    def _identify(self, track: wavelink.Playable) -> str:
        known = identity(track)
        if known is not None and known[0] == self.live_id:
            return known[0]
        play_id = self.playback.new_play_id()
        track.extras = {**dict(track.extras), "play_id": play_id, "guild_id": self.key}
        return play_id

    def _has_begun(self, play_id: str) -> bool:
        return self._begun == play_id

    def _is_live(self, track: wavelink.Playable | None) -> bool:
        known = identity(track) if track is not None else None
        return known is not None and known[0] == self.live_id


def speed_of(filters: wavelink.Filters) -> float:
    """Milliseconds of the track in a millisecond of sound."""
    timescale = filters.timescale.payload
    return (timescale.get("speed") or 1.0) * (timescale.get("rate") or 1.0)
