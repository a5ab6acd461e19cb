"""`/version`, `/v4/info`, `/v4/stats`, the route planner (off), and the two empty pages."""

from aiohttp import web

from sandbox.lavalink.errors import LavalinkError
from sandbox.lavalink.filters import FILTER_NAMES
from sandbox.lavalink.node import Node
from sandbox.lavalink.payloads import Message
from sandbox.lavalink.rest_answers import json_answer

VERSION = "4.2.2"
# What a 4.2.2 says of itself; there is no `build`, and `preRelease` is empty. The searches that are answered from
# the music folder are those of its usual sources; that for its own disk is off.
_INFO: Message = {
    "version": {"semver": VERSION, "major": 4, "minor": 2, "patch": 2, "preRelease": ""},
    "buildTime": 1772839354000,
    "git": {"branch": VERSION, "commit": "e8503fd", "commitTime": 1772839275000},
    "jvm": "17.0.15",
    "lavaplayer": "2.2.6",
    "sourceManagers": ["youtube", "soundcloud", "http"],
    "filters": FILTER_NAMES,
    "plugins": [{"name": "youtube-plugin", "version": "1.18.2"}],
}


def info_routes(node: Node) -> list[web.RouteDef]:
    """The routes."""

    async def info(_: web.Request) -> web.Response:
        return json_answer(_INFO)

    async def version(_: web.Request) -> web.Response:
        return web.Response(text=VERSION, content_type="text/plain", charset="ISO-8859-1")

    async def stats(_: web.Request) -> web.Response:
        return json_answer(node.statistics())

    async def empty(_: web.Request) -> web.Response:
        return web.Response()

    async def no_planner(_: web.Request) -> web.Response:
        return web.Response(status=204)

    async def free(_: web.Request) -> web.Response:
        raise LavalinkError(500, "Can't access disabled route planner")

    return [
        web.get("/", empty),
        web.get("/v3/websocket", empty),
        web.get("/version", version),
        web.get("/v4/info", info),
        web.get("/v4/stats", stats),
        web.get("/v4/routeplanner/status", no_planner),
        web.post("/v4/routeplanner/free/address", free),
        web.post("/v4/routeplanner/free/all", free),
    ]
