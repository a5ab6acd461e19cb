"""Application commands, as registered (discord.com/developers/docs/interactions/application-commands)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .command_rules import check_command, check_count
from .errors import unknown
from .payload import Json, as_objects
from .snowflake import Snowflakes

CHAT_INPUT = 1
EDITABLE = (
    "name",
    "name_localizations",
    "description",
    "description_localizations",
    "options",
    "default_member_permissions",
    "dm_permission",
    "integration_types",
    "contexts",
    "nsfw",
)


class Commands:
    """The commands of one application: global ones (guild None) and each guild's own."""

    def __init__(self, ids: Snowflakes, application_id: int, changed: Callable[[], None]) -> None:
        self._ids = ids
        self._application_id = application_id
        self._changed = changed
        self._by_guild: dict[int | None, dict[int, Json]] = {}
        # A bot whose commands are up to date registers none, and one without commands registers [].
        self.registered = False

    def all(self, guild_id: int | None) -> list[Json]:
        return list(self._by_guild.get(guild_id, {}).values())

    def usable_in(self, guild_id: int | None) -> list[Json]:
        """What a person may choose from; a guild's own command hides a global one of its name."""
        named = {(c["type"], c["name"]): c for c in self.all(None)}
        if guild_id is not None:
            named |= {(c["type"], c["name"]): c for c in self.all(guild_id)}
        return list(named.values())

    def get(self, guild_id: int | None, command_id: int) -> Json:
        """Raises 10063."""
        command = self._by_guild.get(guild_id, {}).get(command_id)
        if command is None:
            raise unknown(10063, "application command")
        return command

    def replace(self, guild_id: int | None, bodies: Any) -> list[Json]:
        """PUT: what is not named is gone; what keeps its name and type keeps its id. Raises 50035."""
        listed = as_objects(bodies)
        check_count(listed)
        for index, body in enumerate(listed):
            check_command(body, index)
        before = {(c["type"], c["name"]): int(c["id"]) for c in self.all(guild_id)}
        made: dict[int, Json] = {}
        for body in listed:
            command_id = before.get((body.get("type", CHAT_INPUT), body["name"])) or self._ids.new()
            made[command_id] = self._complete(guild_id, command_id, body)
        self._by_guild[guild_id] = made
        return self._done(list(made.values()))

    def create(self, guild_id: int | None, body: Json) -> tuple[Json, bool]:
        """POST: the command, and whether it is new; one of its name and type is replaced. Raises 50035."""
        check_command(body)
        kind = body.get("type", CHAT_INPUT)
        same = [c for c in self.all(guild_id) if (c["type"], c["name"]) == (kind, body["name"])]
        if not same:
            check_count([*self.all(guild_id), body])
        command_id = int(same[0]["id"]) if same else self._ids.new()
        command = self._complete(guild_id, command_id, body)
        self._by_guild.setdefault(guild_id, {})[command_id] = command
        return self._done(command), not same

    def edit(self, guild_id: int | None, command_id: int, body: Json) -> Json:
        """PATCH. Raises 10063, 50035."""
        changes = {name: body[name] for name in EDITABLE if name in body}
        merged = self.get(guild_id, command_id) | changes
        check_command(merged)
        self._by_guild[guild_id][command_id] = self._complete(guild_id, command_id, merged)
        return self._done(self._by_guild[guild_id][command_id])

    def delete(self, guild_id: int | None, command_id: int) -> None:
        """Raises 10063."""
        self.get(guild_id, command_id)
        del self._by_guild[guild_id][command_id]
        self._done(None)

    def _done(self, result: Any) -> Any:
        self.registered = True
        self._changed()
        return result

    def _complete(self, guild_id: int | None, command_id: int, body: Json) -> Json:
        command: Json = {
            "id": str(command_id),
            "application_id": str(self._application_id),
            "version": str(self._ids.new()),
            "type": body.get("type", CHAT_INPUT),
            "description": "",
            "default_member_permissions": None,
            "dm_permission": True,
            "nsfw": False,
            "name_localizations": None,
            "description_localizations": None,
            "contexts": None,
            "integration_types": [0],
        }
        if guild_id is not None:
            command["guild_id"] = str(guild_id)
        command |= {name: body[name] for name in EDITABLE if body.get(name) is not None}
        if command["default_member_permissions"] is not None:
            command["default_member_permissions"] = str(command["default_member_permissions"])
        return command


def without_localizations(command: Json) -> Json:
    """The command as GET answers it without ``with_localizations``."""
    left_out = ("name_localizations", "description_localizations")
    shown = {key: value for key, value in command.items() if key not in left_out}
    if "options" in shown:
        shown["options"] = [without_localizations(option) for option in as_objects(shown["options"])]
    return shown
