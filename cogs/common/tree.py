"""The command tree: one error handler, translated commands, and registration only when something changed."""

from __future__ import annotations

import hashlib
import logging
from typing import Any

import discord
import orjson
from discord import app_commands

from cogs.common.faults import answer_fault
from services.i18n import locale_of, say
from services.store import Store

log = logging.getLogger("bot.commands")


class CatalogueTranslator(app_commands.Translator):
    """Command names and descriptions from the same catalogues as everything else."""

    async def translate(
        self,
        string: app_commands.locale_str,
        locale: discord.Locale,
        context: app_commands.TranslationContextTypes,
    ) -> str | None:
        """The Japanese text; None where English, the fallback, is meant."""
        if locale_of(locale, "en") != "ja":
            return None
        translated = say("ja", string.message)
        return translated if translated != string.message else None


class Tree(app_commands.CommandTree[Any]):
    """`app_commands.CommandTree` whose errors all end in `answer_fault`."""

    async def on_error(self, interaction: discord.Interaction[Any], error: app_commands.AppCommandError) -> None:
        """See `answer_fault`."""
        await answer_fault(interaction, error)

    async def register(self, store: Store) -> None:
        """Register the commands with Discord where they differ from what was registered last.

        Every registration counts against a daily limit and takes a while to reach clients.
        """
        application_id = self.client.application_id
        if application_id is None or self.translator is None:
            raise discord.app_commands.MissingApplicationID
        commands: list[Any] = self._get_all_commands(guild=None)
        payload = [await command.get_translated_payload(self, self.translator) for command in commands]
        digest = hashlib.sha256(orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)).hexdigest()
        fact = f"commands:{application_id}"
        known = await store.read(
            lambda connection: connection.execute("SELECT value FROM local_facts WHERE name = ?", (fact,)).fetchone()
        )
        if known is not None and known[0] == digest and await self._are_registered(payload):
            return
        await self.client.http.bulk_upsert_global_commands(application_id, payload=payload)
        store.hand_over(lambda transaction: transaction.keep_fact(fact, digest))
        log.info("%d commands registered", len(payload))

    async def _are_registered(self, payload: list[Any]) -> bool:
        # Somebody may have registered others for this application since; reading does not count against the limit.
        registered = await self.fetch_commands()
        return {command.name for command in registered} == {command["name"] for command in payload}
