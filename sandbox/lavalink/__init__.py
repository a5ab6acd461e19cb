"""A stand-in for Lavalink 4.2.2 on loopback: REST and WebSocket, real files, no audio decoding."""

from sandbox.lavalink.account import Account, AccountedPlay
from sandbox.lavalink.server import LavalinkStandIn
from sandbox.lavalink.tracks import make_samples
from sandbox.lavalink.voice import VoiceState

__all__ = ["Account", "AccountedPlay", "LavalinkStandIn", "VoiceState", "make_samples"]
