"""Discord: the token, the intents, the invite link and the gateway."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlencode

import aiohttp

from services.doctor.check import Check, Finding, ok, run, run_all, wrong
from services.doctor.keys import ending
from services.doctor.rest import Answer, Rest, Unreachable, host_of, unreachable
from services.i18n import N_
from services.settings import Settings

# Discord's edge refuses clients without this form of it (discord.com/developers/docs/reference#user-agent).
_AGENT = "DiscordBot (https://discord.com/developers/docs, 10)"
_TOKEN_CURE = N_(
    "Copy the token from the Bot page of your application in Discord's developer portal to DISCORD_TOKEN; "
    "“Reset Token” makes a new one."
)
_API_CURE = N_("Check the network and DISCORD_API_URL; without that variable Discord's own address is used.")
_GATEWAY_CURE = N_("Check the network and DISCORD_GATEWAY_URL; without that variable Discord tells the address.")

# Each intent and the application's two flags for it, the full and the limited one
# (discord.com/developers/docs/resources/application#application-object-application-flags).
_PRIVILEGED = {
    "Presence Intent": (1 << 8, 1 << 12 | 1 << 13),
    "Server Members Intent": (1 << 1, 1 << 14 | 1 << 15),
    "Message Content Intent": (1 << 15, 1 << 18 | 1 << 19),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the bot asks of Discord, as Discord's numbers."""

    intents: int
    permissions: int


async def discord_findings(rest: Rest, settings: Settings, wanted: Wanted) -> list[Finding]:
    """Without an accepted token nothing else can be asked."""
    account = _Account(rest, settings, wanted)
    found = await run(Check("discord.token", account.token, _API_CURE))
    if found[0].state == "wrong":
        return found
    return found + await run_all(
        [
            Check("discord.application", account.application, _API_CURE),
            Check("discord.gateway", account.gateway, _GATEWAY_CURE),
        ]
    )


class _Account:
    def __init__(self, rest: Rest, settings: Settings, wanted: Wanted) -> None:
        self._rest = rest
        self._base = settings.discord_api_url.rstrip("/")
        self._gateway_url = settings.discord_gateway_url
        self._token = settings.discord_token
        self._wanted = wanted

    async def token(self) -> list[Finding]:
        answer = await self._get("/users/@me")
        if answer.status == 401:
            return [
                wrong("discord.token", N_("Discord refuses the bot token {key}."), _TOKEN_CURE, key=ending(self._token))
            ]
        name = _object(answer, "discord.com").get("username")
        return [ok("discord.token", N_("The bot token {key} is that of {name}."), key=ending(self._token), name=name)]

    async def application(self) -> list[Finding]:
        application = _object(await self._get("/applications/@me"), "discord.com")
        return [
            self._intents(int(application.get("flags") or 0)),
            self._invite(application),
            *_interactions(application),
        ]

    async def gateway(self) -> list[Finding]:
        told = _object(await self._get("/gateway/bot"), "discord.com")
        limit = told.get("session_start_limit", {})
        if limit.get("remaining") == 0:
            return [
                wrong(
                    "discord.gateway",
                    N_("Discord allows no further login for {minutes} minutes: too many restarts."),
                    N_("Find out in the log why the bot starts so often."),
                    minutes=round(limit.get("reset_after", 0) / 60_000),
                )
            ]
        url = self._gateway_url or told.get("url", "")
        ms = await self._hello(url)
        return [
            ok(
                "discord.gateway",
                N_("The gateway {host} answers in {ms} ms; logins left: {left}."),
                host=host_of(url),
                ms=ms,
                left=limit.get("remaining", "?"),
            )
        ]

    async def _hello(self, url: str) -> int:
        """Milliseconds until the gateway has greeted; no login is used up by that."""
        begun = time.perf_counter()
        try:
            async with self._rest.http.ws_connect(
                f"{url.rstrip('/')}/?v=10&encoding=json", headers={"User-Agent": _AGENT}
            ) as gateway:
                hello = await gateway.receive()
                if hello.type is not aiohttp.WSMsgType.TEXT or cast(dict[str, Any], hello.json()).get("op") != 10:
                    raise Unreachable(N_("{host} is no gateway of Discord's."), host=host_of(url))
        except aiohttp.WSServerHandshakeError as error:
            raise Unreachable(N_("{host} is no gateway of Discord's."), host=host_of(url)) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise unreachable(error, url) from error
        return max(1, round((time.perf_counter() - begun) * 1000))

    def _intents(self, flags: int) -> Finding:
        missing = [
            name
            for name, (intent, granted) in _PRIVILEGED.items()
            if self._wanted.intents & intent and not flags & granted
        ]
        if missing:
            return wrong(
                "discord.intents",
                N_("The application lacks {intents}."),
                N_("Turn it on under “Privileged Gateway Intents” on the Bot page of the developer portal."),
                intents=", ".join(missing),
            )
        return ok("discord.intents", N_("The application has every intent that the bot needs."))

    def _invite(self, application: dict[str, Any]) -> Finding:
        if application.get("bot_require_code_grant"):
            return wrong(
                "discord.invite",
                N_("The bot cannot be invited by a link."),
                N_("Turn off “Requires OAuth2 Code Grant” on the Bot page of the developer portal."),
            )
        query = {
            "client_id": application.get("id", ""),
            "scope": "bot applications.commands",
            "permissions": self._wanted.permissions,
        }
        return ok(
            "discord.invite",
            N_("Invite the bot by {link}"),
            link=f"https://discord.com/oauth2/authorize?{urlencode(query)}",
        )

    async def _get(self, path: str) -> Answer:
        headers = {"Authorization": f"Bot {self._token}", "User-Agent": _AGENT}
        return await self._rest.ask("GET", self._base + path, headers)


def _interactions(application: dict[str, Any]) -> list[Finding]:
    if not application.get("interactions_endpoint_url"):
        return []
    return [
        wrong(
            "discord.interactions",
            N_("Discord sends the commands to another address than the bot."),
            N_("Clear “Interactions Endpoint URL” on the General Information page of the developer portal."),
        )
    ]


def _object(answer: Answer, api: str) -> dict[str, Any]:
    """The answer's JSON object.

    Raises:
        Unreachable: it is another program's answer.
    """
    if answer.redirects_to:
        raise Unreachable(N_("The address leads on to {host} instead of answering."), host=answer.redirects_to)
    if answer.is_page:
        raise Unreachable(
            N_("A web page answers there, not the API that belongs there ({status})."), status=answer.status
        )
    document = answer.document
    if answer.status != 200 or not isinstance(document, dict):
        raise Unreachable(N_("An answer came that {api} does not give ({status})."), api=api, status=answer.status)
    return cast(dict[str, Any], document)
