"""What a node says, turned into what is recorded and what is done next."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from typing import Any

import wavelink

from services.errors import UserError
from services.lavalink.faults import SourceFailed
from services.lavalink.loading import other_sources
from services.lavalink.node import Node
from services.lavalink.player import Player
from services.lavalink.reporting import speed_of
from services.lavalink.tracks import identity, is_substitute, known_track
from services.playback import Playback
from services.rows import EndReason

log = logging.getLogger("bot.lavalink")
END_REASONS: dict[str, EndReason] = {
    "finished": "finished",
    "loadFailed": "failed",
    "stopped": "stopped",
    "replaced": "replaced",
    "cleanup": "lost",
}
HOPELESS_CODES = frozenset({4012, 4016, 4017, 4020, 4021})
"""Close codes after which Discord wants nobody back (discord.com/developers/docs, "Voice Close Event Codes").

Not 4014 and 4022: they also come where the bot was moved or the voice server changed, and then a new one is on its
way; where the bot is to be in no channel any more, its gateway says so.
"""


class NodeEvents:
    """Hears all nodes. It records at once, in the order of events; what takes time it hands to `spawn`."""

    def __init__(
        self, playback: Playback, sources: tuple[str, ...], spawn: Callable[[Coroutine[Any, Any, None]], None]
    ) -> None:
        self._playback = playback
        self._sources = sources
        self._spawn = spawn

    def heard(self, node: Node, event: str, payload: Any) -> None:
        """See `services.lavalink.node.Events`."""
        match payload:
            case wavelink.PlayerUpdateEventPayload():
                if payload.player:
                    self._playback.position(_key(payload.player), payload.position, payload.connected)
            case wavelink.TrackStartEventPayload():
                self._started(node, payload)
            case wavelink.TrackEndEventPayload():
                self._ended(payload)
            case wavelink.TrackExceptionEventPayload():
                self._broke(payload)
            case wavelink.TrackStuckEventPayload():
                self._stuck(payload)
            case wavelink.WebsocketClosedEventPayload():
                self._voice_closed(payload)
            case wavelink.NodeReadyEventPayload():
                self._ready(node, payload.resumed)
            case wavelink.NodeDisconnectedEventPayload():
                self._lost(node)
            case _:
                log.debug("Lavalink node %s: %s", node.identifier, event)

    def _started(self, node: Node, payload: wavelink.TrackStartEventPayload) -> None:
        known = identity(payload.track)
        if known is None:
            return
        player = payload.player
        if not isinstance(player, Player):
            # Asked for just before its player left; the node plays it on a player of its own making.
            self._spawn(node.destroy_strays())
            return
        self._playback.started(
            *known,
            known_track(payload.track),
            paused=player.paused,
            position_ms=payload.track.position,
            speed=speed_of(player.filters),
        )
        player.begun(payload.track, known[0])

    def _ended(self, payload: wavelink.TrackEndEventPayload) -> None:
        known, player = identity(payload.track), payload.player
        if known is None or not isinstance(player, Player):
            return  # the end of a player that has left is recorded already
        play_id = known[0]
        taken_up = payload.reason == "stopped" and player.adrift_since is not None
        if player.plays(play_id) and (payload.reason == "replaced" or taken_up):
            player.over(None)  # it only made room for itself
            return
        player.over(play_id)
        by_itself = payload.reason in {"finished", "loadFailed", "cleanup"}
        if by_itself:
            player.failed(payload.reason == "loadFailed" or self._playback.is_broken(play_id))
        substitutes = self._substitutes(payload)
        follows = payload.reason == "replaced" or (by_itself and bool(player.upcoming) and not substitutes)
        reason = END_REASONS.get(payload.reason, "failed")
        self._playback.ended(play_id, reason, position_ms=payload.track.position, follows=follows)
        if substitutes:
            self._spawn(player.play_substitute(payload.track, substitutes))
            return  # which tells what came of it
        player.changed()
        if by_itself and follows:
            self._spawn(player.try_next())

    def _substitutes(self, payload: wavelink.TrackEndEventPayload) -> list[str]:
        if payload.reason != "loadFailed" or is_substitute(payload.track):
            return []
        return other_sources(payload.track, self._sources)

    def _broke(self, payload: wavelink.TrackExceptionEventPayload) -> None:
        known = identity(payload.track)
        if known is None or not isinstance(payload.player, Player):
            return
        self._playback.broke(known[0])
        cause = " ".join(str(payload.exception.get(part) or "") for part in ("message", "cause"))
        payload.player.client.dispatch("music_trouble", payload.player, payload.track.title, SourceFailed(cause))

    def _stuck(self, payload: wavelink.TrackStuckEventPayload) -> None:
        # No track end follows by itself (seen on Lavalink 4.2.2).
        known = identity(payload.track)
        if known and isinstance(payload.player, Player) and known[0] in self._playback.live_plays():
            payload.player.client.dispatch("music_trouble", payload.player, payload.track.title, SourceFailed(""))
            self._spawn(self._pass_over(payload.player))

    def _voice_closed(self, payload: wavelink.WebsocketClosedEventPayload) -> None:
        code = payload.code.value
        log.debug("Voice connection closed: %s by_remote=%s", code, payload.by_remote)
        if isinstance(payload.player, Player) and payload.by_remote and code in HOPELESS_CODES:
            log.warning("Guild %s: Discord closed the voice connection for good (%s)", payload.player.key, code)
            self._spawn(payload.player.stop_all("lost"))

    def _ready(self, node: Node, resumed: bool) -> None:
        log.info("Lavalink node %s is ready%s", node.identifier, ", its session resumed" if resumed else "")
        node.mark_ready()
        for player in node.waiting_players:
            if not isinstance(player, Player):
                continue
            if not resumed:
                player.drift()
                self._spawn(player.take_up())
                continue
            player.adrift_since = player.retry_at = None
            self._playback.node_back(player.key)
            player.changed()
            # What should have followed while the node did not listen.
            if player.current is None and player.upcoming:
                self._spawn(player.try_next())
        if resumed:
            self._spawn(node.destroy_strays())

    def _lost(self, node: Node) -> None:
        log.info("Lavalink node %s is lost", node.identifier)
        node.mark_lost()
        for player in node.waiting_players:
            if isinstance(player, Player):
                player.drift()

    async def _pass_over(self, player: Player) -> None:
        try:
            await player.skip_current("stuck")
        except UserError as error:
            log.warning("Guild %s: a stuck track could not be skipped: %r", player.key, error)


def _key(player: wavelink.Player) -> str:
    return str(player.guild.id) if player.guild else ""
