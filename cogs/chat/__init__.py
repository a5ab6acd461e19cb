"""Questions to the assistant, by command and by mention."""

from cogs.chat.cog import Chat

__all__ = ["Chat"]
