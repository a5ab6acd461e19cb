"""Discord on loopback: one port for REST, gateway and attachments."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

from aiohttp import web

from . import rest_applications, rest_guilds, rest_interactions, rest_messages, rest_webhooks, voice
from .channels import Channel
from .faults import HOST, Faults
from .gateway import Gateway
from .guilds import Guild
from .intents import NONE, Intent
from .interaction_events import ATTACHMENT_SIZE_LIMIT
from .interactions import Interactions
from .messages import Message
from .payload import Json
from .people import User
from .rest import PREFIX, Record, Rest
from .voice import VoiceCredentials
from .world import World

ROUTES = [
    *rest_applications.ROUTES,
    *rest_guilds.ROUTES,
    *rest_messages.ROUTES,
    *rest_interactions.ROUTES,
    *rest_webhooks.ROUTES,
]


class DiscordStandIn(Faults):
    """Everything a bot sees of Discord, and the people who use the bot.

    ``interaction_deadline`` and ``token_lifetime`` are Discord's 3 s and 15 min, in seconds;
    ``session_lifetime`` is how long a session waits for RESUME after its connection broke;
    ``limits`` turns rate limits on; ``privileged_intents`` are those granted to the application.
    """

    def __init__(
        self,
        token: str = "sandbox-token",
        *,
        bot_name: str = "sandbox-bot",
        port: int = 0,
        interaction_deadline: float = 3.0,
        token_lifetime: float = 900.0,
        session_lifetime: float = 60.0,
        max_concurrency: int = 1,
        limits: bool = False,
        privileged_intents: Intent = NONE,
    ) -> None:
        interactions = Interactions(interaction_deadline, token_lifetime)
        self.token = token
        self.world = World(bot_name, privileged_intents, interactions)
        self._port = port
        self._gateway = Gateway(self.world, token, session_lifetime, max_concurrency, limits)
        self._rest = Rest(self.world, self._gateway, token, ROUTES, limits)
        self._site = None

    @property
    def api_url(self) -> str:
        return f"http://{HOST}:{self._port}{PREFIX}"

    @property
    def gateway_url(self) -> str:
        return f"ws://{HOST}:{self._port}"

    @property
    def cdn_url(self) -> str:
        return f"http://{HOST}:{self._port}/cdn"

    @property
    def bot(self) -> User:
        return self.world.bot

    @property
    def commands(self) -> list[Json]:
        """The registered global commands, as REST answers them."""
        return self.world.commands.all(None)

    @property
    def requests(self) -> list[Record]:
        """The latest REST requests with their answers, oldest first."""
        return list(self._rest.records)

    def when_forgotten(self, look: Callable[[Record], object]) -> None:
        """Have a look at each request that is too old to be kept any longer."""
        self._rest.forget = look

    @property
    def unknown_requests(self) -> list[Record]:
        """Requests that nobody could understand: for routes that are not there, or whose body is no JSON."""
        return self._rest.unknown

    @property
    def broken_requests(self) -> list[Record]:
        """Requests that break Discord's rules in themselves, each with the answer that says which."""
        return self._rest.broken

    @property
    def broken_frames(self) -> list[str]:
        """Why gateway connections were closed, where it was for what the bot had sent, and not for its token."""
        return [f"{refused.code} {refused.reason}" for refused in self._gateway.refused if refused.code != 4004]

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=2 * ATTACHMENT_SIZE_LIMIT)
        app.router.add_get("/", self._gateway.handle)
        app.router.add_get("/cdn/attachments/{channel_id}/{attachment_id}/{filename}", self._attachment)
        self._rest.add_to(app)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await self.up()
        self._gateway.url = self.gateway_url
        self.world.cdn_url = self.cdn_url
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.world.interactions.close()
        self._gateway.close()
        await self._runner.cleanup()

    # Places and people

    def add_guild(self, name: str, *, locale: str = "en-US") -> Guild:
        """A server with the bot in it."""
        return self.world.add_guild(name, locale)

    async def bot_ready(self, timeout: float = 10.0) -> None:
        """Wait until every shard has identified and got its guilds, and commands are registered."""
        await self.world.changes.until(
            lambda: self._gateway.ready() and self.world.commands.registered, timeout, "the bot to be ready"
        )

    async def bot_gone(self, timeout: float = 10.0) -> None:
        """Wait until no connection of the bot is left."""
        changes = self.world.changes
        await changes.until(lambda: not self.world.sessions.connected(), timeout, "the bot to disconnect")

    async def wait_for_message(
        self, channel: Channel, predicate: Callable[[Message], object], timeout: float = 10.0
    ) -> Message:
        """Wait for a message of the bot in a channel, as sent or as edited since."""

        def found() -> Message | None:
            own = (m for m in reversed(channel.messages) if m.author is self.bot)
            return next((m for m in own if predicate(m)), None)

        message = await self.world.changes.until(found, timeout, f"a message in {channel.name or 'a DM'}")
        assert message is not None
        return message

    async def wait_until(self, holds: Callable[[], object], timeout: float = 10.0, what: str = "it") -> None:
        """Wait until something holds that this stand-in knows of (requests, voice, messages, …)."""
        await self.world.changes.until(holds, timeout, what)

    # Voice

    def voice_credentials(self, guild_id: int) -> VoiceCredentials | None:
        """What a voice connection of the bot must show now, or None while it is not in voice."""
        guild = self.world.guilds.get(guild_id)
        return None if guild is None else voice.credentials(guild)

    def kick_bot_from_voice(self, guild: Guild) -> None:
        voice.remove(guild.me)

    def move_bot(self, channel: Channel) -> None:
        """Drag the bot into another voice channel."""
        assert channel.guild is not None
        state = channel.guild.voice_states[channel.guild.me.id]
        flags = {"self_mute": state.self_mute, "self_deaf": state.self_deaf}
        voice.place(channel.guild.me, channel, state.session_id, **flags)

    def change_voice_region(self, guild: Guild, region: str) -> None:
        """Give the bot a voice server elsewhere: VOICE_SERVER_UPDATE."""
        guild.voice_region = region
        if voice.credentials(guild) is not None:
            voice.allocate_server(guild)

    @property
    def connections(self) -> int:
        """How many gateway connections there have been."""
        return self._gateway.opened

    async def _attachment(self, request: web.Request) -> web.Response:
        data = self.world.attachments.get(int(request.match_info["attachment_id"]))
        return web.Response(status=404) if data is None else web.Response(body=data)
