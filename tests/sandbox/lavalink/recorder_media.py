"""The media of the recordings: files of the same names and lengths, and servers that misbehave alike."""

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from sandbox.lavalink.tags import write_wav_tags
from tests.silence import write_silence

# Every file is a wav, whatever it was: only its length and whether it has tags can be seen from outside.
_LENGTHS_MS = {"tone6.wav": 6000, "speech.wav": 1878, "untagged3.mp3": 3030, "halfway.wav": 3740}
_TAGGED = {
    "long120.mp3": (120_058, "Two Minutes", "Long Artist"),
    "tagged20.mp3": (20_062, "Twenty Seconds", "Test Artist"),
    "three.ogg": (3000, "Ogg Three", "Ogg Artist"),
    "three.opus": (3000, "Opus Three", "Opus Artist"),
    "four.flac": (4000, "Flac Four", "Flac Artist"),
    "four.m4a": (4000, "M4a Four", "M4a Artist"),
}
_FILE_NAME = re.compile(r"\.(mp3|ogg|opus|flac|m4a)$")
# Faults of the recorder's media server, and the stand-in's track that goes wrong in the same way.
_FAULTS = {
    r"gone/.*": "fail404",
    r"midcorrupt\.(flac|ogg)|trunc\.wav": "fail-midway",
    r"midcorrupt\.mp3": "halfway.wav",
    r"stall/.*trickle.*": "stuck",
    r"stall/[^?]*": "livestream",
}
FAULT_NAMES = frozenset(_FAULTS.values())
RECORDER = "http://127.0.0.1:23380"
SERVED_ELSEWHERE = re.compile(r"(status|redir)/|slowhdr|stall/.*\?n")


def write_media(folder: Path, base_url: str) -> None:
    """The recorder's files, silent, into a folder that is served at `base_url`."""
    for name, length in _LENGTHS_MS.items():
        write_silence(folder / local_name(name), length)
    for name, (length, title, artist) in _TAGGED.items():
        write_wav_tags(write_silence(folder / local_name(name), length), title, artist)
    (folder / local_name("corrupt.mp3")).write_bytes(b"no music")
    (folder / local_name("empty.mp3")).write_bytes(b"")
    (folder / "page.html").write_text("<html></html>")
    (folder / "empty.m3u").write_text("")
    (folder / "rel.m3u").write_text("tone6.wav\n")
    (folder / "list.m3u").write_text(f"{base_url}/{local_name('tagged20.mp3')}\n{base_url}/tone6.wav\n")
    (folder / "list.pls").write_text(f"[playlist]\nFile1={base_url}/{local_name('tagged20.mp3')}\nNumberOfEntries=1\n")


def local_name(name: str) -> str:
    """What stands for a file or address of the recorder's media server."""
    for pattern, stand_in in _FAULTS.items():
        if re.fullmatch(pattern, name):
            return stand_in
    return _FILE_NAME.sub(r"-\1.wav", name)


@asynccontextmanager
async def media_server(folder: Path) -> AsyncGenerator[str]:
    """The address of a server with the recorder's odd answers."""
    routes = web.RouteTableDef()

    @routes.get("/status/{status}")
    async def status(request: web.Request) -> web.Response:
        return web.Response(status=int(request.match_info["status"]))

    @routes.get("/redir/{name}")
    async def redirect(request: web.Request) -> web.Response:
        raise web.HTTPFound(f"/{request.match_info['name']}")

    @routes.get("/slowhdr")
    async def slow(_: web.Request) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    @routes.get("/stall/{name}")
    async def stall(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "audio/mpeg", "Content-Length": "500000"})
        await response.prepare(request)
        await response.write(b"\xff" * int(request.query["n"]))
        await asyncio.sleep(600)
        return response

    app = web.Application()
    app.add_routes(routes)
    app.router.add_static("/", folder)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield str(site.name)
    finally:
        await runner.cleanup()
