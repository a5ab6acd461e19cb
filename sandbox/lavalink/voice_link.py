"""Connecting a player to Discord's voice server, as far as a client of Lavalink can see it."""

import asyncio

from sandbox.lavalink.node import Node
from sandbox.lavalink.payloads import Message
from sandbox.lavalink.player import Player
from sandbox.lavalink.voice import VoiceState

_INVALID_SESSION = 4006
# A real voice server rejected an identify within a few milliseconds of the PATCH's answer.
_REJECTION_S = 0.005


async def connect_voice(node: Node, player: Player, state: VoiceState) -> list[Message]:
    """Connect; returns the messages that this causes. Never returns if the endpoint does not answer.

    The PATCH is answered when the gateway's socket is open, before the identify: even data that Discord then
    rejects shows `connected: true` at first (seen on 4.2.2).
    """
    voice = player.voice
    if voice.connected and voice.state == state:
        return []
    verdict = True if node.voice_check is None else node.voice_check(player.guild_id, state)
    if node.voice_hangs or voice.hung or verdict is None:
        voice.hung = True
        node.changed()
        await asyncio.get_running_loop().create_future()
    caused: list[Message] = []
    player.divert(caused.append)
    if voice.connected:
        player.voice_closed(1000, "", by_remote=False)
    player.voice_opens(state, carrying=verdict is True)
    if verdict is True:
        player.update()
    elif verdict != "silent":
        code = verdict or _INVALID_SESSION
        asyncio.get_running_loop().call_later(_REJECTION_S, _reject, player, state, code)
    player.divert(None)
    return caused


def _reject(player: Player, state: VoiceState, code: int) -> None:
    if player.voice.connected and player.voice.state is state:
        player.voice_closed(code, "", by_remote=True)
