"""`/ask`, and messages that mention the bot or are written to it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import re
from collections.abc import AsyncGenerator
from typing import Any

import aiohttp
import discord
from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from cogs.chat.outlets import InteractionOutlet, MessageOutlet
from cogs.chat.streamed_reply import Outlet, StreamedReply
from cogs.common.answers import guild_locale
from cogs.common.faults import explain
from services.assistant import Assistant
from services.errors import UserError
from services.i18n import N_, Locale, locale_of, say

log = logging.getLogger("bot.chat")

QUESTIONS, SECONDS = 5, 10.0
"""A person may ask so many questions in so many seconds, by command and mention together."""
FAREWELL_SECONDS = 1.0
"""What unfinished answers are given for their last words when the bot stops."""

TOO_SOON = N_("Please wait {seconds} s, then try again.")
ONLY_TEXT = N_("I can only read text. Please write your question in words.")
FAREWELL = N_("I am being restarted and have to stop here. Please ask again in a minute.")


class Chat(commands.Cog):
    """Every question is one turn: asked, streamed, settled."""

    def __init__(self, bot: discord.Client, assistant: Assistant, default_locale: Locale) -> None:
        self._bot = bot
        self._assistant = assistant
        self._default_locale: Locale = default_locale
        cooldown = commands.Cooldown(QUESTIONS, SECONDS)
        self._cooldowns: commands.CooldownMapping[int] = commands.CooldownMapping(cooldown, lambda user: user)
        self._told: commands.CooldownMapping[int] = commands.CooldownMapping(
            commands.Cooldown(1, SECONDS), lambda user: user
        )
        self._turns: dict[int, asyncio.Task[Any]] = {}
        """By the id of the message or interaction that asked."""
        self._stopping = False

    async def cog_unload(self) -> None:
        """End every answer that is under way, with a sentence; what it cost is settled."""
        self._stopping = True
        turns = list(self._turns.values())
        for turn in turns:
            turn.cancel()
        if turns:
            await asyncio.wait(turns, timeout=FAREWELL_SECONDS + 0.5)

    @app_commands.command(name=locale_str(N_("ask")), description=locale_str(N_("Ask the assistant a question")))
    @app_commands.rename(prompt=locale_str(N_("prompt")))
    @app_commands.describe(prompt=locale_str(N_("What you want to know")))
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=False)
    async def ask(self, interaction: discord.Interaction[Any], prompt: str) -> None:
        """Ask the assistant a question."""
        self._check_pace(interaction.user.id)
        # Refused before the answer is deferred, so that only the asker sees it.
        self._assistant.question(prompt)
        await interaction.response.defer()
        locale = guild_locale(interaction)
        guild_id = None if interaction.guild_id is None else str(interaction.guild_id)
        pieces = self._assistant.answer(prompt, guild_id, str(interaction.user.id), locale)
        await self._turn(interaction.id, InteractionOutlet(interaction), pieces, locale)

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        """Answer what mentions the bot, in a server, and whatever is written to it directly."""
        prompt = self._prompt_of(message)
        if prompt is None:
            return
        guild = message.guild
        locale = locale_of(guild.preferred_locale if guild else None, self._default_locale)
        outlet = MessageOutlet(message)
        try:
            await self._answer(message, prompt, outlet, locale)
        except (discord.Forbidden, discord.NotFound) as gone:
            log.info("A mention could not be answered: %s", gone)
        except Exception as error:  # noqa: BLE001 - whatever it was, who asked is told, and the log has it
            with contextlib.suppress(discord.HTTPException, aiohttp.ClientError, OSError):
                await outlet.send(explain(error, locale))

    async def _answer(self, message: discord.Message, prompt: str, outlet: MessageOutlet, locale: Locale) -> None:
        asker = message.author.id
        try:
            self._check_pace(asker)
            if message.attachments and not prompt.strip():
                raise UserError(ONLY_TEXT)
            self._assistant.question(prompt)
        except UserError as error:
            # Whoever keeps mentioning the bot is told once, or the bot would help to flood the channel.
            if self._told.update_rate_limit(asker) is None:
                await outlet.send(error.text(locale))
            return
        guild_id = str(message.guild.id) if message.guild else None
        pieces = self._assistant.answer(prompt, guild_id, str(asker), locale, _quoted(message))
        # Typing is refused where sending is: then nothing is asked, and nothing is spent.
        async with outlet:
            await self._turn(message.id, outlet, pieces, locale)

    @commands.Cog.listener()
    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        """A question that is taken back is not answered further."""
        self._drop(payload.message_id)

    @commands.Cog.listener()
    async def on_raw_bulk_message_delete(self, payload: discord.RawBulkMessageDeleteEvent) -> None:
        """See `on_raw_message_delete`."""
        for message_id in payload.message_ids:
            self._drop(message_id)

    async def _turn(self, key: int, outlet: Outlet, pieces: AsyncGenerator[str, None], locale: Locale) -> None:
        reply = StreamedReply(outlet)
        if turn := asyncio.current_task():
            self._turns[key] = turn
        try:
            await reply.follow(pieces, lambda error: explain(error, locale))
        except asyncio.CancelledError:
            if self._stopping:
                with contextlib.suppress(TimeoutError, OSError, discord.DiscordException):
                    async with asyncio.timeout(FAREWELL_SECONDS):
                        await reply.end(say(locale, FAREWELL))
            raise
        finally:
            self._turns.pop(key, None)

    def _drop(self, key: int) -> None:
        if turn := self._turns.get(key):
            turn.cancel()

    def _check_pace(self, user_id: int) -> None:
        if wait := self._cooldowns.update_rate_limit(user_id):
            raise UserError(TOO_SOON, seconds=math.ceil(wait))

    def _prompt_of(self, message: discord.Message) -> str | None:
        """What is asked, without the mention; None where the bot is not spoken to.

        Only the mention itself counts: without the privileged intent a message that does not mention the bot has
        no content (discord.com/developers/docs/events/gateway#message-content-intent).
        """
        me = self._bot.user
        if me is None or message.author.bot or message.webhook_id is not None or message.is_system():
            return None
        if message.guild is None and isinstance(message.channel, discord.PartialMessageable):
            return None  # of a server that is not there yet, or not any more: no direct message
        if message.guild is not None and all(user.id != me.id for user in message.mentions):
            return None
        return re.sub(rf"<@!?{me.id}>", "", message.content)


def _quoted(message: discord.Message) -> str:
    original = message.reference.resolved if message.reference else None
    return original.content if isinstance(original, discord.Message) else ""
