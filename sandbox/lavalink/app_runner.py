"""How a server that looks like Lavalink is run."""

from aiohttp import web

# A track of a 10 KB title, encoded, travels in the query of decodetrack.
_LONGEST_LINE = 1 << 18


def app_runner(app: web.Application, *, shutdown_timeout: float) -> web.AppRunner:
    """A runner that takes lines of 256 KiB; `shutdown_timeout` is in seconds."""
    return web.AppRunner(
        app,
        access_log=None,
        handler_cancellation=True,
        max_line_size=_LONGEST_LINE,
        max_field_size=_LONGEST_LINE,
        shutdown_timeout=shutdown_timeout,
    )
