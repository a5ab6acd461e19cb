"""What a client sends over the gateway: opcodes, and one frame of at most 4096 bytes."""

from __future__ import annotations

import json
from enum import IntEnum
from typing import Any

from .payload import as_object

LIMIT = 4096
"""Bytes of what a client may send at once."""


class Op(IntEnum):
    DISPATCH = 0
    HEARTBEAT = 1
    IDENTIFY = 2
    PRESENCE = 3
    VOICE_STATE = 4
    RESUME = 6
    RECONNECT = 7
    REQUEST_MEMBERS = 8
    INVALID_SESSION = 9
    HELLO = 10
    HEARTBEAT_ACK = 11


class Refused(Exception):
    """The gateway closes the connection with this code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def undecodable() -> Refused:
    return Refused(4002, "Error while decoding payload.")


def parsed(raw: str | bytes) -> tuple[Op, Any]:
    """Opcode and data of a frame. Raises ``Refused`` with 4001 or 4002."""
    if len(raw.encode() if isinstance(raw, str) else raw) > LIMIT:
        raise undecodable()
    try:
        frame = as_object(json.loads(raw))
        number = frame["op"]
    except (KeyError, ValueError, RecursionError):
        raise undecodable() from None
    if type(number) is not int or number not in set(Op):
        raise Refused(4001, "Unknown opcode.")
    return Op(number), frame.get("d")
