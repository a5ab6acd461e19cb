"""How a WebSocket was closed."""

from __future__ import annotations

import aiohttp


def code_of(ws: aiohttp.ClientWebSocketResponse, message: aiohttp.WSMessage) -> int | None:
    """The code of the close frame, which is this message, or of the end without one.

    aiohttp puts 1006 in the place of the code it was sent, where its own close frame finds the connection gone.
    """
    return message.data if message.type is aiohttp.WSMsgType.CLOSE else ws.close_code
