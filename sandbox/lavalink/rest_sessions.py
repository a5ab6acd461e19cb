"""`/v4/sessions/{sessionId}` and its list of players."""

from aiohttp import web

from sandbox.lavalink.json_values import json_boolean, json_integer, json_object
from sandbox.lavalink.node import Node
from sandbox.lavalink.rest_answers import json_answer, json_body


def session_routes(node: Node) -> list[web.RouteDef]:
    """The routes."""

    async def update(request: web.Request) -> web.Response:
        body = json_object(await json_body(request))
        resuming = json_boolean(body["resuming"]) if "resuming" in body else None
        timeout = json_integer(body["timeout"], bits=64) if "timeout" in body else None
        session = node.session(request.match_info["session_id"])
        session.resuming = session.resuming if resuming is None else resuming
        session.timeout = session.timeout if timeout is None else timeout
        return json_answer({"resuming": session.resuming, "timeout": session.timeout})

    async def players(request: web.Request) -> web.Response:
        session = node.session(request.match_info["session_id"])
        return json_answer([player.payload() for player in session.players.values()])

    return [
        web.patch("/v4/sessions/{session_id}", update),
        web.get("/v4/sessions/{session_id}/players", players),
    ]
