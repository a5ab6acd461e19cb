"""A person's slash commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from . import posting
from .command_use import ChosenCommand, Values, choose
from .interaction_events import BOT_DM_CONTEXT, GUILD_CONTEXT, send
from .interactions import Interaction, InteractionType
from .payload import Json
from .people import Person
from .permissions import NONE, Permission
from .resolved import resolved

if TYPE_CHECKING:
    from .channels import Channel


class Commander(Person):
    async def slash(
        self,
        name: str,
        options: Mapping[str, Any] | None = None,
        *,
        channel: Channel,
        locale: str | None = None,
    ) -> Interaction:
        """Use a slash command (``play``, ``queue show``); returns at once.

        Strings are converted to the registered types (``@bob``, ``#music``, ``12``, ``true``); an
        attachment is a pair of name and bytes. Raises ``ValueError`` for what Discord's client would
        not send: unknown commands and options, missing or wrong values; ``PermissionError`` where
        the command is not offered to this person here.
        """
        chosen = self._chosen(name, channel)
        values = Values(chosen, self.guild)
        values.add_all(options or {})
        data = chosen.data(values.options)
        objects = resolved(values.things, channel, self.user) | self._upload(values, channel)
        if objects:
            data["resolved"] = objects
        kind = InteractionType.COMMAND
        return send(Interaction(self, channel, kind, data, name=chosen.name, locale=locale))

    async def autocomplete(
        self,
        name: str,
        option: str,
        text: str,
        *,
        channel: Channel | None = None,
        options: Mapping[str, Any] | None = None,
        locale: str | None = None,
        timeout: float = 3.0,
    ) -> list[Json]:
        """The choices for what was typed so far, by default in the server's first channel.

        ``options`` are those that are filled in already. Raises ``ValueError``, ``TimeoutError``.
        """
        channel = channel or self.guild.channels[0]
        chosen = self._chosen(name, channel)
        focused = chosen.option(option)
        if not focused.get("autocomplete"):
            raise ValueError(f"{option} of /{chosen.name} does not complete")
        given = [
            {"name": key, "type": chosen.option(key)["type"], "value": value} for key, value in (options or {}).items()
        ]
        typed: Json = {"name": option, "type": focused["type"], "value": text, "focused": True}
        data = chosen.data([*given, typed])
        kind = InteractionType.AUTOCOMPLETE
        use = send(Interaction(self, channel, kind, data, name=chosen.name, locale=locale))
        await use.finished(lambda use: use.choices is not None, timeout)
        return use.choices or []

    def _chosen(self, name: str, channel: Channel) -> ChosenCommand:
        guild = channel.guild
        chosen = choose(self.world.commands.usable_in(guild and guild.id), name)
        context = BOT_DM_CONTEXT if guild is None else GUILD_CONTEXT
        contexts = chosen.command["contexts"]
        allowed = guild is not None or chosen.command["dm_permission"]
        offered = bool(allowed if contexts is None else context in contexts)
        offered &= channel.thread is None or not channel.thread.archived
        needed = chosen.command["default_member_permissions"]
        if guild is not None:
            member = guild.members.get(self.id)
            permissions = NONE if member is None else channel.permissions(member)
            offered &= bool(permissions & Permission.USE_APPLICATION_COMMANDS)
            if needed is not None:
                wanted = Permission(int(needed))
                offered &= permissions & wanted == wanted and bool(wanted or permissions & Permission.ADMINISTRATOR)
        if not offered:
            raise PermissionError(f"/{chosen.name} is not offered to {self.name} here")
        return chosen

    def _upload(self, values: Values, channel: Channel) -> Json:
        attachments: Json = {}
        for index, (option, (filename, data)) in enumerate(values.files.items()):
            attachment = posting.store(channel, posting.Upload(index, filename, data), {})
            attachments[attachment["id"]] = attachment
            for value in values.options:
                if value["name"] == option:
                    value["value"] = attachment["id"]
        return {"attachments": attachments} if attachments else {}
