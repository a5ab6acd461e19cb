"""The track that a player has now, with the clock of its play."""

from sandbox.lavalink.account import PlayRecord
from sandbox.lavalink.faults import Course
from sandbox.lavalink.payloads import Message, track_payload
from sandbox.lavalink.playback import Playback
from sandbox.lavalink.track_codec import TrackInfo


class CurrentTrack:
    """One track in one player; `end_time` in ms, `stuck` once its TrackStuckEvent was sent."""

    def __init__(self, info: TrackInfo, course: Course, playback: Playback, user_data: dict[str, object]) -> None:
        self.info = info
        self.course = course
        self.playback = playback
        self.user_data = user_data
        self.end_time: int | None = None
        self.stuck = False
        self.record: PlayRecord | None = None

    def payload(self) -> Message:
        """The track at its present position."""
        return track_payload(self.info, position=self.playback.timecode, user_data=self.user_data)
