"""A player's voice connection: the data Discord gave, and what became of the voice gateway's socket."""

from dataclasses import dataclass

from sandbox.lavalink.errors import BadRequest, LavalinkError
from sandbox.lavalink.json_values import json_object, json_string
from sandbox.lavalink.playback import BUFFER_S

# Seen on 4.2.2: after these Lavalink resumes by itself, and the client hears nothing of it.
RESUMABLE_CLOSE_CODES = frozenset({1001, 1006, 4009, 4015, 4016})
_HEARTBEAT_S = 5.0


@dataclass(frozen=True, slots=True)
class VoiceState:
    """Voice data as a client sends it, from Discord's VOICE_STATE_UPDATE and VOICE_SERVER_UPDATE."""

    token: str
    endpoint: str
    session_id: str
    channel_id: str | None

    def payload(self) -> dict[str, object]:
        """The JSON object of the REST docs."""
        return {
            "token": self.token,
            "endpoint": self.endpoint,
            "sessionId": self.session_id,
            "channelId": self.channel_id,
        }


UNSET_VOICE = VoiceState("", "", "", None)


def parse_voice(value: object) -> VoiceState:
    """Read the `voice` of a PATCH; raises LavalinkError as 4.2.2 answers."""
    body = json_object(value)
    if not body.keys() >= {"token", "endpoint", "sessionId", "channelId"}:
        raise BadRequest
    token, endpoint, session_id = (json_string(body[key]) for key in ("token", "endpoint", "sessionId"))
    channel_id = None if body["channelId"] is None else json_string(body["channelId"])
    if not (token.strip() and endpoint.strip() and session_id.strip() and channel_id and channel_id.strip()):
        raise BadRequest("token, endpoint, sessionId and channelId must be provided in voice state")
    if not channel_id.lstrip("-").isdecimal():
        fault = f'java.lang.NumberFormatException: For input string: "{channel_id}"'
        raise LavalinkError(500, f"Request processing failed: {fault}")
    return VoiceState(token, endpoint, session_id, channel_id)


class VoiceConnection:
    """The connection's state. All times are the event loop's, in seconds."""

    def __init__(self) -> None:
        self.state = UNSET_VOICE
        self.connected = False
        """Whether the voice gateway's socket is open; what `state.connected` shows."""
        self.carrying = False
        """Whether sound is sent. It goes on after Discord has closed the socket, as if heard."""
        self.hung = False
        """Whether a connect never came back; then no later one does either."""
        self._connected_at: float | None = None
        self._buffered_until = 0.0

    def open(self, state: VoiceState, now: float, *, carrying: bool) -> None:
        """The gateway's socket is open; whether it will carry sound is still to be told to anyone."""
        self.state = state
        self.connected = True
        self.carrying = carrying
        self._buffered_until = 0.0
        self._connected_at = now

    def closed_by_remote(self) -> None:
        """Discord closed the socket; the last ping stays, and sound goes on being sent."""
        self.connected = False

    def destroy(self) -> None:
        """Lavalink closed the connection itself."""
        self.connected = self.carrying = False
        self._connected_at = None
        self._buffered_until = 0.0

    def ping(self, now: float) -> int:
        """Milliseconds: -1 without a connection, 0 until the first heartbeat was answered."""
        if self._connected_at is None:
            return -1
        beats = int((now - self._connected_at) / _HEARTBEAT_S)
        return 1 + beats % 3 if beats > 0 else 0

    def lead(self, now: float) -> float:
        """Seconds of sound that the send buffer still takes at once."""
        return BUFFER_S - max(0.0, self._buffered_until - now)

    def fill(self, now: float) -> None:
        """Frames were handed over up to `now`: the buffer is full."""
        self._buffered_until = now + BUFFER_S
