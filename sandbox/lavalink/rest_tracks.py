"""`/v4/loadtracks`, `/v4/decodetrack`, `/v4/decodetracks`."""

from aiohttp import web

from sandbox.lavalink.errors import BadRequest
from sandbox.lavalink.json_values import json_list, json_string
from sandbox.lavalink.node import Node
from sandbox.lavalink.payloads import Message, load_result, track_payload
from sandbox.lavalink.rest_answers import json_answer, json_body
from sandbox.lavalink.track_codec import decode


def track_routes(node: Node) -> list[web.RouteDef]:
    """The routes."""

    async def load_tracks(request: web.Request) -> web.Response:
        if "identifier" not in request.query:
            raise BadRequest("Required parameter 'identifier' is not present.")
        return json_answer(load_result(await node.loader.load(request.query["identifier"])))

    return [
        web.get("/v4/loadtracks", load_tracks),
        web.get("/v4/decodetrack", _decode_track),
        web.post("/v4/decodetracks", _decode_tracks),
    ]


async def _decode_track(request: web.Request) -> web.Response:
    encoded = request.query.get("encodedTrack", request.query.get("track"))
    if encoded is None:
        raise BadRequest("No track to decode provided")
    return json_answer(_decoded(encoded))


async def _decode_tracks(request: web.Request) -> web.Response:
    encoded = [json_string(item) for item in json_list(await json_body(request))]
    if not encoded:
        raise BadRequest("No tracks to decode provided")
    return json_answer([_decoded(one) for one in encoded])


def _decoded(encoded: str) -> Message:
    info, position = decode(encoded)
    return track_payload(info, position=position, encoded=encoded)
