"""The JSON shapes of Lavalink 4: tracks, load results and WebSocket messages."""

from typing import TypeAlias

from sandbox.lavalink.loader import LOAD_ERROR_MESSAGE, Loaded
from sandbox.lavalink.track_codec import TrackInfo, encode

_FRIENDLY_EXCEPTION = "com.sedmelluq.discord.lavaplayer.tools.FriendlyException"

Message: TypeAlias = dict[str, object]


def track_payload(
    info: TrackInfo,
    *,
    position: int = 0,
    user_data: dict[str, object] | None = None,
    encoded: str | None = None,
) -> Message:
    """A track; `encoded` carries the position (ms) too, unless the client's own is given back."""
    return {
        "encoded": encode(info, position) if encoded is None else encoded,
        "info": {
            "identifier": info.identifier,
            "isSeekable": not info.is_stream,
            "author": info.author,
            "length": info.length,
            "isStream": info.is_stream,
            "position": position,
            "title": info.title,
            "uri": info.uri,
            "sourceName": info.source_name,
            "artworkUrl": info.artwork_url,
            "isrc": info.isrc,
        },
        "pluginInfo": {} if info.container is None else {"probeInfo": info.container},
        "userData": user_data or {},
    }


def load_result(loaded: Loaded) -> Message:
    """The answer of `loadtracks`."""
    tracks = [track_payload(info) for info in loaded.tracks]
    data: object = None
    match loaded.kind:
        case "track":
            data = tracks[0]
        case "search":
            data = tracks
        case "playlist":
            data = {"info": {"name": loaded.name, "selectedTrack": -1}, "pluginInfo": {}, "tracks": tracks}
        case "error":
            # Every error reads the same; the true reason is only in the stack trace (seen on 4.2.2).
            data = exception_payload(LOAD_ERROR_MESSAGE, f"{_FRIENDLY_EXCEPTION}: {LOAD_ERROR_MESSAGE}", loaded.reason)
        case "empty":
            pass
    return {"loadType": loaded.kind, "data": data}


def exception_payload(message: str, cause: str, deeper: str = "") -> Message:
    """An exception; severity is `fault`, the only one seen."""
    trace = "\n".join(line for line in (cause, "\tat sandbox.lavalink", deeper) if line)
    return {"message": message, "severity": "fault", "cause": cause, "causeStackTrace": trace}


def event(kind: str, guild_id: int, **fields: object) -> Message:
    """A message with op `event`."""
    return {"op": "event", "type": kind, "guildId": str(guild_id), **fields}


def player_update(guild_id: int, state: Message) -> Message:
    """A message with op `playerUpdate`."""
    return {"op": "playerUpdate", "state": state, "guildId": str(guild_id)}
