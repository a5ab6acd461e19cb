"""Music: commands, the panel, and what happens without anybody asking."""

from cogs.music.cog import Music

__all__ = ["Music"]
