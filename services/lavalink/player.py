"""A guild's player: plays its queue, and goes on playing over what happens to its node."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from contextlib import suppress

import discord
import wavelink

from services.errors import UserError
from services.i18n import N_
from services.lavalink.faults import NodeRefused, NodeUnavailable, PlayerGone
from services.lavalink.loading import find_again
from services.lavalink.node import Node
from services.lavalink.reporting import END_S, ReportingPlayer
from services.lavalink.tracks import for_play, known_track
from services.lavalink.voice import RETRY_S
from services.playback import Playback
from services.rows import EndReason

log = logging.getLogger("bot.lavalink")
QUEUE_TRACKS = 500
SAME_SKIP_S = 1.0
FAILURES = 5
"""After so many failed plays in a row the queue is dropped: each costs a message, and all may fail."""


class Player(ReportingPlayer):
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
        self._failures = 0
        self._skipped: tuple[int | None, float] = (None, 0.0)
        self._waiting = False
        """Whether it was told that the next track has to wait for the node."""
        self._tries = 0
        """Failed attempts to play on after the node was lost."""
        self.home: discord.abc.Messageable | None = None
        """Where the last track was asked for: what is to be told is told there."""

    # The queue

    def enqueue(self, tracks: list[wavelink.Playable], requester: str) -> list[wavelink.Playable]:
        """Add `tracks` for `requester` (a display name), as many as there is room for; returns those.

        Raises:
            UserError: the queue is full, or the player has left its channel.
        """
        if self.gone:
            raise PlayerGone
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
            NodeUnavailable: it could not be started; it is still the next.
        """
        async with self.turn:
            if self.current is None and not await self._play_next():
                self._nothing_follows()

    async def try_next(self) -> None:
        """As `advance`, where nobody waits for it: what goes wrong is told in the channel."""
        try:
            await self.advance()
        except (NodeUnavailable, PlayerGone) as error:
            log.warning("Guild %s: the next track did not start: %r", self.key, error)
            if not self._waiting and not self.gone:
                self._waiting = True
                self.client.dispatch("music_trouble", self, None, error)

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
            with self.ending(reason):
                if not await self._play_next():
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
        with suppress(UserError, TimeoutError), self.ending("stopped"):
            async with asyncio.timeout(END_S):
                await wavelink.Player.skip(self)
        await self.stop_all()

    async def play_substitute(self, track: wavelink.Playable, sources: list[str]) -> None:
        """`track` could not be loaded: play what the first of `sources` has of that name; then the next."""
        found = None
        with suppress(UserError):
            found = await find_again(track, sources, self.lavalink)
        if found is not None and not self.gone:
            requester = known_track(track).requested_by
            self.upcoming.appendleft(for_play(found, requester, in_place_of_another=True))
        await self.try_next()

    def failed(self, failed: bool) -> None:
        """Whether the play that has just ended failed; the queue is dropped after too many in a row."""
        self._failures = self._failures + 1 if failed else 0
        if self._failures >= FAILURES:
            self._failures = 0
            self.upcoming.clear()
            self.client.dispatch("music_given_up", self)

    async def _play_next(self) -> bool:
        """Start the first of the queue that the node takes; False where there is none.

        Raises:
            NodeUnavailable: the node does not answer; the track is still the next.
        """
        while self.upcoming:
            track = self.upcoming.popleft()
            try:
                await self.play(track, paused=False)
            except NodeUnavailable:
                self.upcoming.appendleft(track)
                self.retry_at = time.monotonic() + RETRY_S
                self._nothing_follows()
                raise
            except NodeRefused as error:
                self.client.dispatch("music_trouble", self, track.title, error)
                self.failed(True)
            else:
                self._waiting, self.retry_at = False, None
                return True
        return False

    def _nothing_follows(self) -> None:
        self.playback.nothing_follows(self.key)
        self.changed()

    # When its node is lost

    async def move_to_node(self, node: Node) -> None:
        """Play on, on `node`, in place of the one that is away."""
        if self.gone or self.turn.locked() or self.lavalink.lost_at is None:
            return
        log.info("Guild %s: moving from node %s to %s", self.key, self.lavalink.identifier, node.identifier)
        self.lavalink.give_up(self.guild_id)
        node.take(self, self.guild_id)
        self._node = self.lavalink = node
        # The old node may live and send on, out of our sight: only a new voice connection silences it.
        self._tries = 1
        await self.take_up()

    async def take_up(self) -> None:
        """The node knows nothing of this player: play on from where the current play was, as it was.

        The play keeps its row, and stays paused if it was. What fails is tried again with a new voice connection.
        """
        async with self.turn:
            if self.adrift_since is None or self.gone:
                return
            self.retry_at = None
            try:
                await self._go_on()
            except UserError as error:
                log.warning("Guild %s: not yet taken up by node %s: %r", self.key, self.lavalink.identifier, error)
                self._tries += 1
                self.retry_at = time.monotonic() + RETRY_S
                await self.lavalink.destroy_quietly(self.guild_id)
                return
            self._tries, self.adrift_since = 0, None
        self.changed()

    async def _go_on(self) -> None:
        if self._tries:
            await self.reenter()
        else:
            await self.send_voice()
        playing, track = self.playback.playing(self.key), self._original
        if playing is not None and track is not None:
            await self.play(track, start=playing.position_ms, paused=playing.paused)
            self.playback.restored(playing.play_id, playing.position_ms)
            return
        self._current = self._original = None
        self.playback.closed(self.key, "lost")
        await self._play_next()

    async def _destroy(self, with_invalidate: bool = True) -> None:
        if with_invalidate:
            self.upcoming.clear()
        await super()._destroy(with_invalidate)
