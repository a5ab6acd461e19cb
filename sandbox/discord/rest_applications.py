"""The gateway's address, the bot's account, its application and its commands."""

from __future__ import annotations

from .commands import without_localizations
from .errors import integer, missing_access, unknown
from .identify import application_flags
from .payload import Json
from .rest import NO_CONTENT, Answer, Call, Route


def get_gateway(call: Call) -> Answer:
    return Answer(200, {"url": call.gateway.url})


def get_gateway_bot(call: Call) -> Answer:
    return Answer(200, call.gateway.bot_info())


def get_me(call: Call) -> Answer:
    return Answer(200, call.world.bot.own_payload())


def get_user(call: Call) -> Answer:
    user = call.world.users.get(call.id("user_id"))
    if user is None:
        raise unknown(10013, "User")
    return Answer(200, user.payload())


def create_dm(call: Call) -> Answer:
    recipient = call.world.users.get(integer(call.body.get("recipient_id"), "recipient_id"))
    if recipient is None:
        raise unknown(10013, "User")
    return Answer(200, call.world.dm_channel(recipient).payload())


def get_application(call: Call) -> Answer:
    world = call.world
    application: Json = {
        "id": str(world.bot.id),
        "name": world.bot.name,
        "icon": None,
        "description": "",
        "type": None,
        "bot": world.bot.payload(),
        "bot_public": True,
        "bot_require_code_grant": False,
        "verify_key": "0" * 64,
        "flags": application_flags(world),
        "flags_new": str(application_flags(world)),
        "redirect_uris": [],
        "interactions_endpoint_url": None,
        "role_connections_verification_url": None,
        "owner": world.operator.payload(),
        "approximate_guild_count": len(world.bot_guilds()),
        "approximate_user_install_count": 0,
        "approximate_user_authorization_count": 0,
        "explicit_content_filter": 0,
        "team": None,
        "eligible_oauth2_scopes": [],
        "integration_types_config": {"0": {}},
    }
    return Answer(200, application)


def _guild_id(call: Call) -> int | None:
    """The guild of a command route, None for global commands. Raises 10002, 50001."""
    if call.id("application_id") != call.world.bot.id:
        raise unknown(10002, "Application")
    if "guild_id" not in call.params:
        return None
    guild = call.world.guilds.get(call.id("guild_id"))
    if guild is None or not guild.has_bot:
        raise missing_access()
    return guild.id


def list_commands(call: Call) -> Answer:
    commands = call.world.commands.all(_guild_id(call))
    whole = call.flag("with_localizations")
    return Answer(200, commands if whole else [without_localizations(command) for command in commands])


def replace_commands(call: Call) -> Answer:
    return Answer(200, call.world.commands.replace(_guild_id(call), call.raw_body))


def create_command(call: Call) -> Answer:
    command, new = call.world.commands.create(_guild_id(call), call.body)
    return Answer(201 if new else 200, command)


def get_command(call: Call) -> Answer:
    return Answer(200, call.world.commands.get(_guild_id(call), call.id("command_id")))


def edit_command(call: Call) -> Answer:
    return Answer(200, call.world.commands.edit(_guild_id(call), call.id("command_id"), call.body))


def delete_command(call: Call) -> Answer:
    call.world.commands.delete(_guild_id(call), call.id("command_id"))
    return NO_CONTENT


def _command_routes(base: str) -> list[Route]:
    return [
        Route("GET", base, list_commands),
        Route("PUT", base, replace_commands),
        Route("POST", base, create_command),
        Route("GET", f"{base}/{{command_id}}", get_command),
        Route("PATCH", f"{base}/{{command_id}}", edit_command),
        Route("DELETE", f"{base}/{{command_id}}", delete_command),
    ]


ROUTES = [
    Route("GET", "/gateway", get_gateway, token_free=True),
    Route("GET", "/gateway/bot", get_gateway_bot),
    Route("GET", "/users/@me", get_me),
    Route("POST", "/users/@me/channels", create_dm),
    Route("GET", "/users/{user_id}", get_user),
    Route("GET", "/applications/@me", get_application),
    Route("GET", "/oauth2/applications/@me", get_application),
    *_command_routes("/applications/{application_id}/commands"),
    *_command_routes("/applications/{application_id}/guilds/{guild_id}/commands"),
]
