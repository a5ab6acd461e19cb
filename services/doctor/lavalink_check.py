"""Each Lavalink node: version, sources, plugins, the round trip."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import unquote, urlsplit, urlunsplit

from services.doctor.check import Check, Finding, off, ok, run_all, wrong
from services.doctor.rest import Answer, Rest, host_of
from services.i18n import N_
from services.settings import Settings

_NODE_CURE = N_("Start the node (docker compose up -d lavalink), or correct its address in LAVALINK_NODES.")
_PASSWORD_CURE = N_(
    "The password in LAVALINK_NODES (http://:password@host:2333) must be that of lavalink.server.password."
)
_SOURCES_CURE = N_("Switch one on in the node's application.yml (see lavalink/), or change SEARCH_SOURCES.")

# What Lavalink and its usual plugins call the source that answers a search prefix.
_SOURCES = {
    "ytsearch": "youtube",
    "ytmsearch": "youtube",
    "scsearch": "soundcloud",
    "bcsearch": "bandcamp",
    "spsearch": "spotify",
    "amsearch": "applemusic",
    "dzsearch": "deezer",
}


async def lavalink_findings(rest: Rest, settings: Settings) -> list[Finding]:
    """All nodes side by side."""
    if not settings.lavalink_nodes:
        return [off("lavalink.node", N_("Off: LAVALINK_NODES is empty."))]
    return await run_all(
        Check("lavalink.node", _Node(rest, uri, settings.search_sources).examine, _NODE_CURE, host_of(uri))
        for uri in settings.lavalink_nodes
    )


class _Node:
    def __init__(self, rest: Rest, uri: str, prefixes: tuple[str, ...]) -> None:
        parts = urlsplit(uri)
        self._rest = rest
        self._name = host_of(uri)
        self._address = urlunsplit((parts.scheme, self._name, parts.path.rstrip("/"), "", ""))
        self._headers = {"Authorization": unquote(parts.password or "")}
        self._prefixes = prefixes

    async def examine(self) -> list[Finding]:
        version = await self._rest.ask("GET", f"{self._address}/version", self._headers)
        if version.status in (401, 403):
            return [self._wrong(N_("The node refuses the password ({status})."), _PASSWORD_CURE, status=version.status)]
        if version.redirects_to:
            return [
                self._wrong(
                    N_("The address leads on to {host} instead of answering."), _NODE_CURE, host=version.redirects_to
                )
            ]
        told = version.text.strip()
        if version.status != 200 or version.is_page or not told[:1].isdigit() or len(told) > 100:
            return [self._wrong(N_("That is no Lavalink node, but some other web server."), _NODE_CURE)]
        if not told.startswith("4."):
            return [
                self._wrong(
                    N_("The node is Lavalink {version}; the bot needs version 4."),
                    N_("Update the node to version 4."),
                    version=told,
                )
            ]
        return [self._info(told, version.ms, await self._rest.ask("GET", f"{self._address}/v4/info", self._headers))]

    def _info(self, version: str, ms: int, answer: Answer) -> Finding:
        document = answer.document
        if answer.status != 200 or not isinstance(document, dict):
            return self._wrong(
                N_("The node does not say what it can do ({status})."),
                N_("Look into the node's own log."),
                status=answer.status,
            )
        info = cast(dict[str, Any], document)
        sources = [str(source) for source in info.get("sourceManagers") or ()]
        plugins = [f"{plugin.get('name')} {plugin.get('version')}" for plugin in info.get("plugins") or ()]
        wanted = {_SOURCES[prefix] for prefix in self._prefixes if prefix in _SOURCES}
        if wanted and not wanted & set(sources):
            return self._wrong(
                N_("The node has none of the sources that are searched ({wanted}), only {sources}."),
                _SOURCES_CURE,
                wanted=", ".join(sorted(wanted)),
                sources=", ".join(sources) or "–",
            )
        return ok(
            "lavalink.node",
            N_("Lavalink {version} answers in {ms} ms; sources: {sources}; plugins: {plugins}."),
            self._name,
            version=version,
            ms=ms,
            sources=", ".join(sources) or "–",
            plugins=", ".join(plugins) or "–",
        )

    def _wrong(self, message: str, cure: str, **values: object) -> Finding:
        return wrong("lavalink.node", message, cure, self._name, **values)
