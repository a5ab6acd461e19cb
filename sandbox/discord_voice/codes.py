"""Numbers of the voice gateway (discord.com/developers/docs/topics/opcodes-and-status-codes#voice)."""

from enum import IntEnum


class Op(IntEnum):
    """Operations."""

    IDENTIFY = 0
    SELECT_PROTOCOL = 1
    READY = 2
    HEARTBEAT = 3
    SESSION_DESCRIPTION = 4
    SPEAKING = 5
    HEARTBEAT_ACK = 6
    RESUME = 7
    HELLO = 8
    RESUMED = 9
    CLIENTS_CONNECT = 11
    # Clients send these two as well, for video; they are not documented.
    VIDEO = 12
    CLIENT_DISCONNECT = 13
    MEDIA_SINK_WANTS = 15


class CloseCode(IntEnum):
    """Why the gateway closes."""

    UNKNOWN_OPCODE = 4001
    UNDECODABLE = 4002
    NOT_AUTHENTICATED = 4003
    AUTHENTICATION_FAILED = 4004
    ALREADY_AUTHENTICATED = 4005
    SESSION_INVALID = 4006
    SESSION_TIMEOUT = 4009
    SERVER_NOT_FOUND = 4011
    UNKNOWN_PROTOCOL = 4012
    DISCONNECTED = 4014
    SERVER_CRASHED = 4015
    UNKNOWN_MODE = 4016
    DAVE_REQUIRED = 4017
    BAD_REQUEST = 4020
    RATE_LIMITED = 4021
    CALL_TERMINATED = 4022


# After these a client may come back by RESUME; any other ends the session.
RESUMABLE = frozenset({CloseCode.SESSION_TIMEOUT, CloseCode.SERVER_CRASHED, CloseCode.UNKNOWN_MODE, 1001, 1006})
