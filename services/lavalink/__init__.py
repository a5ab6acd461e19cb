"""Lavalink, and the one package of services that knows wavelink."""

from services.lavalink.loading import Found
from services.lavalink.nodes import Nodes
from services.lavalink.orders import carry_out
from services.lavalink.player import QUEUE_TRACKS, Player
from services.lavalink.search import Search

__all__ = ["QUEUE_TRACKS", "Found", "Nodes", "Player", "Search", "carry_out"]
