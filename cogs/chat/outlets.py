"""Where an answer goes: under a message, or into the answer of an interaction."""

from __future__ import annotations

import logging
from contextlib import AsyncExitStack
from typing import Any, Self

import aiohttp
import discord

from cogs.chat.streamed_reply import Sent

log = logging.getLogger("bot.chat")

# An interaction's token ends after 15 minutes: 50027, or 10015 where Discord has forgotten it altogether
# (discord.com/developers/docs/topics/opcodes-and-status-codes).
TOKEN_ENDED = {50027, 10015}
UNKNOWN_CHANNEL = 10003


class MessageOutlet:
    """Replies to a message; entered, it shows the bot as typing until the first text is sent."""

    def __init__(self, message: discord.Message) -> None:
        self._message = message
        self._waiting = AsyncExitStack()
        self._replied = False

    async def __aenter__(self) -> Self:
        try:
            await self._waiting.enter_async_context(self._message.channel.typing())
        except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
            if isinstance(error, discord.Forbidden) or getattr(error, "code", 0) == UNKNOWN_CHANNEL:
                raise
            log.info("Typing could not be shown: %s", error)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._waiting.aclose()

    async def send(self, text: str) -> Sent:
        """See `Outlet`; the first message points at the question."""
        channel = self._message.channel
        if self._replied:
            return await channel.send(text)
        # The question may have been deleted meanwhile; that is no reason to refuse the answer's message.
        reference = self._message.to_reference(fail_if_not_exists=False)
        sent = await channel.send(text, reference=reference, mention_author=False)
        self._replied = True
        await self._waiting.aclose()
        return sent


class InteractionOutlet:
    """Fills a deferred answer, then follows up; through the channel once the interaction's token has ended."""

    def __init__(self, interaction: discord.Interaction[Any]) -> None:
        self._interaction = interaction
        self._answered = False

    async def send(self, text: str) -> Sent:
        """See `Outlet`."""
        try:
            if self._answered:
                message = await self._interaction.followup.send(text, wait=True)
            else:
                message = await self._interaction.edit_original_response(content=text)
        except discord.HTTPException as error:
            return await self.send_without_token(text, error)
        self._answered = True
        return _InteractionMessage(message, self)

    async def send_without_token(self, text: str, error: discord.HTTPException) -> Sent:
        """`text` as a message of the bot's own; raises `error` where it does not mean that the token has ended."""
        channel = self._interaction.channel
        if error.code not in TOKEN_ENDED or not isinstance(channel, discord.abc.Messageable):
            raise error
        return await channel.send(text)


class _InteractionMessage:
    def __init__(self, message: Sent, outlet: InteractionOutlet) -> None:
        self._message = message
        self._outlet = outlet

    async def edit(self, *, content: str) -> None:
        try:
            await self._message.edit(content=content)
        except discord.HTTPException as error:
            self._message = await self._outlet.send_without_token(content, error)

    async def delete(self) -> None:
        try:
            await self._message.delete()
        except discord.HTTPException as error:
            if error.code not in TOKEN_ENDED:
                raise
