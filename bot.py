"""The composition root: settings -> services -> bot -> run until SIGTERM."""

from __future__ import annotations

import signal
import sys

if __name__ == "__main__" and not sys.argv[1:]:
    # The imports below take a good part of a second, in which there is nothing to close: a stop is a clean one.
    def stop(*_: object) -> None:
        sys.exit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)

import asyncio
import logging
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import cast

import aiohttp
import discord
from discord.http import Route

from cogs.chat import Chat
from cogs.common.client import INTENTS, Client
from cogs.common.connection import (
    RETRY_SECONDS,
    TokenRefused,
    connect,
    leave,
    say_plainly,
)
from cogs.common.old_messages import OldMessages
from cogs.common.tree import CatalogueTranslator, Tree
from cogs.music import Music
from cogs.music.here import INVITED
from cogs.status import Status
from services.command_line import Examine, ShowUsage, parse, usage
from services.container import Services, new_id, now, open_services
from services.doctor import examine
from services.errors import Unstartable, UserError
from services.health import Health, ServiceState, Vitals
from services.lavalink import carry_out
from services.logs import Redactor, configure
from services.recovery import close_sessions, lose_plays
from services.settings import Settings, SettingsError, load_settings, operator_locale
from services.stats import Stats
from services.stopping import stop_signal
from services.store.books import read_books

log = logging.getLogger("bot")

EXIT_CLEAN, EXIT_FAULT, EXIT_SETTINGS = 0, 1, 2
FAREWELL_SECONDS = 0.7


class Bot(Client):
    """The client with its cogs, on the services."""

    def __init__(self, services: Services, redactor: Redactor) -> None:
        super().__init__(services.settings.discord_gateway_url)
        self.services = services
        self._redactor = redactor
        self._node_ready = asyncio.Event()
        # Made here, so that the first sample has some seconds of CPU time to tell of.
        self._stats = Stats(
            services.recorder,
            services.settings.stats_interval,
            lambda: self.latency,
            services.nodes.ping,
            now,
            new_id,
        )

    async def setup_hook(self) -> None:
        """All that has to be there before the first event, and nothing that could wait for somebody else."""
        services = self.services
        await self.tree.set_translator(CatalogueTranslator())
        await self.add_cog(Music(self, services.nodes, services.playback, services.settings))
        await self.add_cog(Chat(self, services.assistant, services.settings.default_locale))
        await self.add_cog(Status(self, self.states))
        await self.add_cog(OldMessages())
        services.nodes.start(self)
        self.keep_running(self._register_commands(), "commands")

    def begin(self) -> None:
        """What an earlier run left is cleared away, and the statistics begin."""
        services = self.services
        close_sessions(services.recorder, services.leftovers, services.playback.live())
        self.keep_running(lose_plays(services.recorder, services.leftovers, services.playback.live_plays), "lost-plays")
        if services.replicator is not None:
            services.replicator.reconcile(
                str(self.application_id),
                self.owns,
                self.has_joined,
                services.playback.live,
                services.playback.begun,
            )
            services.replicator.take_commands(
                partial(carry_out, services.nodes, services.playback), self.has_joined, services.playback.live
            )
        self.keep_running(self._stats.run(self._node_ready), "stats")

    async def on_wavelink_node_ready(self, _: object) -> None:
        """The first statistics can have a node's ping."""
        self._node_ready.set()

    def states(self) -> dict[str, ServiceState]:
        """How Discord and each service are."""
        states = {"discord": self.state, **self.services.states()}
        return {name: replace(state, detail=self._redactor.clean(state.detail)) for name, state in states.items()}

    async def vitals(self) -> Vitals:
        """The figures that `/metrics` shows of Discord and Lavalink."""
        shards = {shard.id: (not shard.is_closed(), shard.latency) for shard in self.shards.values()}
        return Vitals(shards, len(self.guilds), len(self.services.playback.live()), await self.services.nodes.ping())

    async def _register_commands(self) -> None:
        while True:
            try:
                return await cast(Tree, self.tree).register(self.services.store)
            except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
                log.warning("The commands could not be registered: %s", error)
                await asyncio.sleep(RETRY_SECONDS)


async def run(settings: Settings, redactor: Redactor) -> int:
    """Run until SIGTERM, Ctrl-C or a fault; the exit code."""
    stopping = stop_signal()
    logging.getLogger("discord.shard").addFilter(say_plainly)
    # The voice of this bot is Lavalink: what discord.py lacks for its own is not missed.
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
    Route.BASE = settings.discord_api_url.rstrip("/")
    bots: list[Bot] = []
    async with open_services(settings, redactor, lambda: str(bots[0].application_id)) as services:
        bot = Bot(services, redactor)
        bots.append(bot)
        async with Health(
            settings.http_host,
            settings.http_port,
            bot.states,
            bot.vitals,
            lambda: services.store.read(read_books),
        ):
            connected = asyncio.create_task(connect(bot, settings.discord_token))
            stopped = asyncio.create_task(stopping.wait())
            await asyncio.wait({connected, stopped}, return_when=asyncio.FIRST_COMPLETED)
            log.info("Stopping")
            services.playback.shutdown()
            return await _leave(bot, connected, settings)


async def _leave(bot: Bot, connected: asyncio.Task[None], settings: Settings) -> int:
    failed = connected.exception() if connected.done() else None
    await leave(connected, bot.services.nodes.close(), _leave_discord(bot))
    if failed is None:
        return EXIT_CLEAN
    if isinstance(failed, Unstartable):
        log.error("%s", failed)
        print(failed.text(settings.default_locale), file=sys.stderr)
        return EXIT_SETTINGS if isinstance(failed, TokenRefused) else EXIT_FAULT
    log.critical("The connection to Discord ended", exc_info=failed)
    return EXIT_FAULT


async def _leave_discord(bot: Bot) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(FAREWELL_SECONDS):
            await bot.remove_cog(Chat.__cog_name__)  # ends the answers that are being written
    await bot.close()


def main() -> int:
    """The program; returns its exit code: 0 after a clean stop, 2 on wrong settings or arguments, 1 otherwise."""
    try:
        order = parse(sys.argv[1:])
    except UserError as error:
        print(error.text(operator_locale()), usage(operator_locale()), sep="\n", file=sys.stderr)
        return EXIT_SETTINGS
    match order:
        case ShowUsage():
            print(usage(operator_locale()))
            return EXIT_CLEAN
        case Examine():
            return examine(order, intents=INTENTS.value, permissions=INVITED.value)
        case _:
            return run_bot()


def run_bot() -> int:
    """The bot until it ends; its exit code."""
    try:
        settings = load_settings()
    except SettingsError as error:
        for name, fault in error.faults.items():
            print(f"{name} {fault}", file=sys.stderr)
        return EXIT_SETTINGS
    redactor = Redactor(settings.secrets)
    configure(settings.log_level, settings.log_format, redactor)
    try:
        return asyncio.run(run(settings, redactor))
    except Unstartable as error:
        print(error.text(settings.default_locale), file=sys.stderr)
    except Exception:
        # Not left to Python, whose traceback would show what the log redacts.
        log.critical("The bot ended by a fault that nobody foresaw", exc_info=True)
    return EXIT_FAULT


if __name__ == "__main__":
    sys.exit(main())
