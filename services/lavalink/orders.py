"""Orders that come from outside of Discord, carried out on the players."""

from __future__ import annotations

from services.authority import authorise_control
from services.commands import Order, Seek, Volume
from services.errors import UserError
from services.i18n import N_
from services.lavalink.nodes import Nodes
from services.lavalink.player import Player
from services.playback import Playback
from services.timecode import timecode


async def carry_out(nodes: Nodes, playback: Playback, order: Order) -> None:
    """Do what `order` wants; pausing what is paused is done already.

    Raises:
        UserError: nothing plays there, or the player cannot do that.
    """
    player = next((each for each in nodes.players if each.key == order.guild_id), None)
    # Whoever may give orders acts as the server's owner would who stands in the player's own channel.
    channel = player.channel.id if player else None
    authorise_control(channel, channel)
    playing = playback.playing(order.guild_id)
    if player is None or playing is None:
        raise UserError(N_("Nothing is playing here."))
    match order.wish:
        case "pause" | "resume" as wish:
            if playing.paused != (wish == "pause"):
                await player.pause(wish == "pause")
        case "skip":
            await player.skip_current(by=player.guild.owner_id if player.guild else None)
        case "stop":
            await player.stop_playing()
        case Seek(position_ms):
            _check_seek(player, position_ms, playing.duration_ms)
            await player.seek(position_ms)
        case Volume(level):
            await player.set_volume(level)


def _check_seek(player: Player, position_ms: int, duration_ms: int) -> None:
    if not duration_ms or (player.current and not player.current.is_seekable):
        raise UserError(N_("There is no moving about in this track."))
    if position_ms >= duration_ms:
        raise UserError(N_("This track is only {length} long."), length=timecode(duration_ms))
