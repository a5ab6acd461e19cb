"""`/v4/sessions/{sessionId}/players/{guildId}`: look, change, delete."""

import asyncio
from collections.abc import Callable

from aiohttp import web

from sandbox.lavalink.current_track import CurrentTrack
from sandbox.lavalink.errors import BadRequest, LavalinkError
from sandbox.lavalink.loader import LOAD_ERROR_MESSAGE
from sandbox.lavalink.node import Node
from sandbox.lavalink.payloads import Message
from sandbox.lavalink.playback import Playback
from sandbox.lavalink.player import Player
from sandbox.lavalink.player_patch import UNSET, PlayerPatch, given, parse_player_patch
from sandbox.lavalink.rest_answers import FollowedAnswer, guild_of, json_answer, json_body, query_flag
from sandbox.lavalink.session import Session
from sandbox.lavalink.track_codec import TrackInfo, decode
from sandbox.lavalink.voice_link import connect_voice

_LOUDEST = 1000
# A real server's messages of one request lie about a millisecond apart.
_GAP_S = 0.001


class PlayerRoutes:
    """The routes of one player."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def routes(self) -> list[web.RouteDef]:
        """The routes."""
        path = "/v4/sessions/{session_id}/players/{guild_id}"
        return [web.get(path, self.get), web.patch(path, self.patch), web.delete(path, self.delete)]

    async def get(self, request: web.Request) -> web.Response:
        """The player, 404 if there is none."""
        guild_id, session = guild_of(request), self._node.session(request.match_info["session_id"])
        if guild_id not in session.players:
            raise LavalinkError(404, "Player not found")
        return json_answer(session.players[guild_id].payload())

    async def patch(self, request: web.Request) -> web.Response:
        """Change the player, made if there is none."""
        guild_id = guild_of(request)
        no_replace = query_flag(request, "noReplace")
        patch = parse_player_patch(await json_body(request))
        session = self._node.session(request.match_info["session_id"])
        player = session.player(guild_id)
        caused: list[Message] = []
        if patch.voice is not UNSET:
            caused += await connect_voice(self._node, player, patch.voice)
        blocked = no_replace and player.current is not None
        track = None if blocked else await self._track(patch)
        if session.players.get(guild_id) is not player:
            raise LavalinkError(404, "Player not found")
        caused += _gathered(player, lambda: self._apply(player, patch, track, blocked=blocked))
        body = player.payload()
        return await self._answer(session, body, caused)

    async def delete(self, request: web.Request) -> web.Response:
        """Delete the player; 204 even if there is none."""
        guild_id, session = guild_of(request), self._node.session(request.match_info["session_id"])
        player = session.players.pop(guild_id, None)
        caused: list[Message] = []
        if player is not None:
            caused += _gathered(player, lambda: player.destroy("stopped", tell=True))
        return await self._answer(session, None, caused)

    async def _answer(self, session: Session, body: Message | None, messages: list[Message]) -> web.Response:
        before, after = self._node.races.around_answer(messages)
        for message in before:
            session.send(message)
        await session.flush()
        if self._node.races.enabled and before:
            await asyncio.sleep(_GAP_S)

        def send_rest() -> None:
            for message in after:
                session.send(message)

        return FollowedAnswer(body, status=204 if body is None else 200, afterwards=send_rest)

    async def _track(self, patch: PlayerPatch) -> tuple[TrackInfo, int] | None:
        """The track to play and its own position in ms; None to stop, or without one in the PATCH."""
        if patch.identifier is not UNSET:
            loaded = await self._node.loader.load(patch.identifier)
            match loaded.kind:
                case "track":
                    return loaded.tracks[0], 0
                case "empty":
                    raise BadRequest("No matches found for identifier")
                case "error":
                    raise BadRequest(LOAD_ERROR_MESSAGE)
                case "search" | "playlist":
                    raise BadRequest("Cannot play a playlist or search result")
        return None if patch.encoded is UNSET or patch.encoded is None else decode(patch.encoded)

    def _apply(self, player: Player, patch: PlayerPatch, track: tuple[TrackInfo, int] | None, *, blocked: bool) -> None:
        if patch.volume is not UNSET:
            player.volume = max(0, min(patch.volume, _LOUDEST))
        if patch.filters is not UNSET:
            player.set_filters(patch.filters)
            player.update()
        new_track = patch.has_track and not blocked
        # A new track without `paused` unpauses.
        player.settle()
        player.paused = given(patch.paused, default=False if new_track else player.paused)
        if new_track:
            if track is None:
                player.end("stopped")
            else:
                self._play(player, patch, *track)
        else:
            self._adjust(player, patch, seek=not blocked or not patch.has_track)
        player.sync()

    def _play(self, player: Player, patch: PlayerPatch, info: TrackInfo, position: int) -> None:
        course = self._node.loader.course(info)
        start = max(0, given(patch.position, default=position))
        playback = Playback(course.end_ms, start, player.filters.speed)
        track = CurrentTrack(info, course, playback, given(patch.user_data, default={}))
        player.play(track)
        if patch.end_time is not UNSET:
            player.set_end_time(patch.end_time)

    def _adjust(self, player: Player, patch: PlayerPatch, *, seek: bool) -> None:
        if patch.user_data is not UNSET:
            player.set_user_data(patch.user_data)
        if patch.end_time is not UNSET:
            player.set_end_time(patch.end_time)
        if patch.position is UNSET or player.current is None or not seek:
            return
        if self._node.races.heads():
            player.update()
            player.seek(patch.position)
        else:
            player.seek(patch.position)
            player.update()
        if self._node.races.heads():
            # The decoder was quick: the answer shows the last frame's time again.
            player.current.playback.land()


def _gathered(player: Player, change: Callable[[], None]) -> list[Message]:
    caused: list[Message] = []
    player.divert(caused.append)
    try:
        change()
    finally:
        player.divert(None)
    return caused
