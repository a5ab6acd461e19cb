"""Lavalink, and the one package of services that knows wavelink."""

from services.lavalink.nodes import Nodes
from services.lavalink.orders import carry_out
from services.lavalink.player import Player
from services.lavalink.search import Found, Search

__all__ = ["Found", "Nodes", "Player", "Search", "carry_out"]
