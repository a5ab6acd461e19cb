"""A real Lavalink in the stand-in's place, behind a proxy that knows the music folder and the faults."""

from sandbox.real_lavalink.proxy import RealLavalink
from sandbox.real_lavalink.reach import UnusableLavalink

__all__ = ["RealLavalink", "UnusableLavalink"]
