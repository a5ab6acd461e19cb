"""Interactions: one use of a command, button, menu or form, and all that came of it.

discord.com/developers/docs/interactions/receiving-and-responding
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from enum import IntEnum
from itertools import takewhile
from typing import TYPE_CHECKING

from .errors import DiscordError, unknown
from .messages import Message
from .payload import Json

if TYPE_CHECKING:
    from .channels import Channel
    from .people import Person
    from .world import World


class InteractionType(IntEnum):
    COMMAND = 2
    COMPONENT = 3
    AUTOCOMPLETE = 4
    MODAL_SUBMIT = 5


class Interaction:
    """Made by a person; answered by the bot."""

    def __init__(
        self,
        person: Person,
        channel: Channel,
        type: InteractionType,
        data: Json,
        *,
        name: str = "",
        locale: str | None = None,
        source: Message | None = None,
        cause: Interaction | None = None,
    ) -> None:
        self.world: World = person.world
        self.id = self.world.ids.new()
        self.token = secrets.token_urlsafe(48)
        self.person = person
        self.channel = channel
        self.type = type
        self.data = data
        self.name = name
        self.locale = locale or person.user.locale
        self.source = source
        self.cause = cause
        self.created_at = asyncio.get_running_loop().time()
        self.acknowledged = False
        self.failed = False
        self.original: Message | None = None
        self.choices: list[Json] | None = None
        self.modal: Json | None = None
        self._messages: list[Message] = []
        self.deadline: asyncio.TimerHandle | None = None

    @property
    def messages(self) -> list[Message]:
        """What its user saw, in order: the answer, then the followups. Not a bare "thinking"."""
        return [message for message in self._messages if message.versions]

    @property
    def deferred(self) -> bool:
        """Whether the bot only said so far that it is thinking."""
        return self.acknowledged and self.choices is None and not self.messages and self.modal is None

    @property
    def text(self) -> str:
        """All that its user reads now, deleted messages left out."""
        return "\n".join(message.text for message in self.messages if not message.deleted)

    async def answered(self, timeout: float = 3.0) -> Interaction:
        """Wait for the first visible answer (a message, an update, a form), then return the interaction.

        Raises ``TimeoutError``; and at once where Discord has said "The application did not respond".
        """
        return await self.finished(lambda use: bool(use.messages or use.modal), timeout)

    async def finished(self, predicate: Callable[[Interaction], object], timeout: float = 10.0) -> Interaction:
        """Wait until ``predicate`` holds of this interaction, then return it. Raises as ``answered``."""
        what = f"an answer to {self.name or self.type.name.lower()}"
        await self.world.changes.until(lambda: self.failed or predicate(self), timeout, what)
        if self.failed and not predicate(self):
            raise TimeoutError(f"{what}: The application did not respond")
        return self

    def add(self, message: Message) -> None:
        if message not in self._messages:
            self._messages.append(message)

    def message_origin(self) -> Json:
        """What a message says about the interaction that it answers."""
        application_id = str(self.world.bot.id)
        data: Json = {
            "webhook_id": application_id,
            "application_id": application_id,
            "interaction_metadata": self.metadata(),
        }
        if self.type is InteractionType.COMMAND:
            data["interaction"] = {
                "id": str(self.id),
                "type": int(self.type),
                "name": self.name,
                "user": self.person.user.payload(),
            }
        return data

    def metadata(self) -> Json:
        data: Json = {
            "id": str(self.id),
            "type": int(self.type),
            "user": self.person.user.payload(),
            "authorizing_integration_owners": self.integration_owners(),
        }
        if self.source is not None and self.type is InteractionType.COMPONENT:
            data["interacted_message_id"] = str(self.source.id)
        if self.cause is not None:
            data["triggering_interaction_metadata"] = self.cause.metadata()
        return data

    def integration_owners(self) -> Json:
        guild = self.channel.guild
        return {"0": "0" if guild is None else str(guild.id)}


class Interactions:
    """Those whose token is still good."""

    def __init__(self, deadline: float, token_lifetime: float) -> None:
        self._deadline = deadline
        self._token_lifetime = token_lifetime
        self._by_token: dict[str, Interaction] = {}

    def open(self, interaction: Interaction) -> None:
        """Start the clock of the first answer."""
        expired = takewhile(
            lambda old: old.created_at + self._token_lifetime <= interaction.created_at,
            self._by_token.values(),
        )
        for old in list(expired):
            del self._by_token[old.token]
        self._by_token[interaction.token] = interaction
        loop = asyncio.get_running_loop()
        interaction.deadline = loop.call_later(self._deadline, self._expire, interaction)

    def _expire(self, interaction: Interaction) -> None:
        interaction.failed = not interaction.acknowledged
        interaction.world.changes.notify()

    def to_answer(self, interaction_id: int, token: str) -> Interaction:
        """The interaction that a first answer is for. Raises 10062 (late or unknown), 40060 (answered)."""
        interaction = self._by_token.get(token)
        now = asyncio.get_running_loop().time()
        if interaction is None or interaction.id != interaction_id:
            raise unknown(10062, "interaction")
        late = now > interaction.created_at + self._deadline
        if late and not interaction.acknowledged:
            raise unknown(10062, "interaction")
        if interaction.acknowledged:
            raise DiscordError(400, 40060, "Interaction has already been acknowledged.")
        return interaction

    def of_webhook(self, token: str) -> Interaction:
        """The interaction that a webhook's token belongs to. Raises 50027, 10015."""
        interaction = self._by_token.get(token)
        now = asyncio.get_running_loop().time()
        if interaction is None or now >= interaction.created_at + self._token_lifetime:
            raise DiscordError(401, 50027, "Invalid Webhook Token")
        if not interaction.acknowledged:
            raise unknown(10015, "Webhook")
        return interaction

    def close(self) -> None:
        for interaction in self._by_token.values():
            if interaction.deadline is not None:
                interaction.deadline.cancel()
