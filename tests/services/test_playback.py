"""Plays and sessions, against a clock that only the test moves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.live_play import Track
from services.playback import Playback
from services.rows import Play, Session
from tests.fakes import MemoryRecorder

START = datetime(2026, 11, 22, tzinfo=UTC)
MORNING = Track("Morning", "https://example.org/morning", 20_000, "Alice")
EVENING = Track("Evening", None, 30_000, "Bob")
GUILD = "7"


class Room:
    """A playback with one guild, and the time in it."""

    def __init__(self, position_interval: float = 10) -> None:
        self.at = 100.0
        self.recorder = MemoryRecorder()
        ids = count(1)
        self.playback = Playback(
            self.recorder,
            lambda: "app",
            lambda: START + timedelta(seconds=self.at - 100),
            lambda: self.at,
            lambda: f"play-{next(ids)}",
            position_interval,
        )

    def start(self, track: Track = MORNING, guild: str = GUILD) -> str:
        play_id = self.playback.new_play_id()
        self.playback.position(guild, 0, connected=True)
        self.playback.started(play_id, guild, track)
        return play_id

    def wait(self, seconds: float, position: int | None = None, *, connected: bool = True) -> None:
        self.at += seconds
        if position is not None:
            self.playback.position(GUILD, position, connected)

    def play(self, play_id: str) -> Play:
        row = self.recorder.rows[play_id]
        assert isinstance(row, Play)
        return row

    def session(self, guild: str = GUILD) -> Session:
        return self.recorder.sessions[guild]

    def plays(self) -> Iterator[Play]:
        return (row for row in self.recorder.history if isinstance(row, Play))


@pytest.fixture
def room() -> Room:
    return Room()


def test_a_start_opens_a_row_and_a_session(room: Room) -> None:
    play = room.play(room.start())
    assert (play.track_title, play.track_url, play.duration_ms) == ("Morning", MORNING.url, 20_000)
    assert (play.requested_by, play.guild_id, play.created_at) == ("Alice", GUILD, START)
    assert (play.ended_at, play.end_reason, play.played_ms) == (None, None, None)
    assert room.session() == Session(GUILD, "Morning", 0, 20_000, True, START, 1.0, "app")


def test_a_start_told_twice_is_one_row(room: Room) -> None:
    play_id = room.start()
    room.wait(3)
    room.playback.started(play_id, GUILD, MORNING)
    assert len(list(room.plays())) == 1
    assert room.play(play_id).created_at == START


def test_a_finished_track_was_heard_to_its_end(room: Room) -> None:
    play_id = room.start()
    for position in (5_260, 10_260, 15_260):
        room.wait(5, position)
    room.wait(4.72)
    room.playback.ended(play_id, "finished", position_ms=19_980)
    play = room.play(play_id)
    assert (play.end_reason, play.played_ms) == ("finished", 20_000)
    assert play.ended_at == START + timedelta(seconds=19.72)
    assert GUILD not in room.recorder.sessions


def test_a_finished_track_counts_to_its_end_without_a_last_position(room: Room) -> None:
    play_id = room.start()
    room.wait(19.7)
    room.playback.ended(play_id, "finished")
    # Nothing was heard of the node for longer than it may be silent: not even the estimate is believed.
    assert room.play(play_id).played_ms == 10_000
    play_id = room.start()
    for position in (5_000, 10_000, 15_000):
        room.wait(5, position)
    room.wait(4.7)
    room.playback.ended(play_id, "finished")
    assert room.play(play_id).played_ms == 20_000


def test_a_track_that_broke_midway_counts_what_was_heard(room: Room) -> None:
    play_id = room.start()
    room.wait(1)
    room.playback.broke(play_id)
    room.wait(0.6)
    room.playback.ended(play_id, "finished", position_ms=1_640)
    assert (room.play(play_id).end_reason, room.play(play_id).played_ms) == ("failed", 1_640)


def test_a_truncated_track_that_the_node_calls_finished_counts_what_was_heard(room: Room) -> None:
    play_id = room.start()
    room.wait(3.5)
    room.playback.ended(play_id, "finished", position_ms=3_820)
    assert (room.play(play_id).end_reason, room.play(play_id).played_ms) == ("finished", 3_820)


def test_a_slow_start_is_not_heard(room: Room) -> None:
    play_id = room.start()
    room.wait(5, 2_000)
    room.wait(1)
    room.playback.ended(play_id, "stopped", position_ms=3_000)
    assert room.play(play_id).played_ms == 3_000


def test_what_the_node_says_late_of_the_track_before_is_not_heard(room: Room) -> None:
    """Updates and the start of a track come in any order."""
    play_id = room.start()
    room.wait(0.002, 2_000)
    room.wait(0.001, 0)
    room.wait(1)
    room.playback.ended(play_id, "stopped", position_ms=1_020)
    assert room.play(play_id).played_ms == pytest.approx(1_020, abs=3)


def test_a_pause_is_not_heard(room: Room) -> None:
    play_id = room.start()
    room.wait(2)
    room.playback.paused(GUILD, True, 1_920)
    assert (room.session().position_ms, room.session().is_playing) == (1_920, False)
    room.wait(60, 1_920)
    room.playback.paused(GUILD, False, 1_920)
    assert (room.session().position_ms, room.session().is_playing) == (1_920, True)
    room.wait(1)
    room.playback.closed(GUILD, "stopped")
    assert room.play(play_id).played_ms == 2_920


def test_a_seek_is_not_heard_and_its_updates_may_come_before_its_answer(room: Room) -> None:
    play_id = room.start()
    room.wait(3)
    with room.playback.seeking(GUILD, 10_000):
        room.wait(0.01, 10_000)
    assert room.session().position_ms == 10_000
    room.wait(0.4, 10_460)
    room.wait(0.1)
    room.playback.ended(play_id, "stopped", position_ms=10_560)
    assert room.play(play_id).played_ms == pytest.approx(3_010 + 560, abs=1)


def test_after_a_seek_in_a_pause_the_old_place_is_not_believed(room: Room) -> None:
    play_id = room.start()
    room.wait(3)
    room.playback.paused(GUILD, True, 3_000)
    with room.playback.seeking(GUILD, 10_000):
        pass
    room.wait(5, 3_000)
    room.playback.paused(GUILD, False, 3_000)
    assert (room.session().position_ms, room.session().is_playing) == (10_000, True)
    room.wait(1, 11_000)
    room.playback.ended(play_id, "stopped", position_ms=11_500)
    assert room.play(play_id).played_ms == 4_500


def test_right_after_a_seek_back_the_old_place_is_not_believed(room: Room) -> None:
    """A node's answer has the old place, its buffer sent ahead, until a frame of the new place is sent."""
    play_id = room.start()
    room.wait(3)
    with room.playback.seeking(GUILD, 2_000):
        pass
    room.wait(0.01, 3_280)
    room.playback.paused(GUILD, True, 3_280)
    assert room.session().position_ms == 2_010
    room.wait(5, 3_280)
    room.playback.ended(play_id, "stopped", position_ms=3_280)
    assert room.play(play_id).played_ms == 3_010


def test_seeks_in_a_pause_leave_the_last_place(room: Room) -> None:
    """Lavalink goes on telling of the place at which it was paused."""
    play_id = room.start()
    room.wait(3)
    room.playback.paused(GUILD, True, 3_000)
    for place in (15_000, 1_000):
        with room.playback.seeking(GUILD, place):
            pass
        room.wait(5, 3_000)
    assert room.session().position_ms == 1_000
    room.playback.paused(GUILD, False, 3_000)
    room.wait(5, 6_300)
    playing = room.playback.playing(GUILD)
    assert playing is not None
    assert playing.position_ms == 6_300
    room.playback.ended(play_id, "stopped", position_ms=6_300)
    assert room.play(play_id).played_ms == 8_300, "300 ms were sent ahead"


def test_what_played_while_the_node_was_away_is_heard_also_right_after_a_seek(room: Room) -> None:
    play_id = room.start(Track("Long", None, 3_600_000, "Alice"))
    room.wait(5, 5_000)
    with room.playback.seeking(GUILD, 60_000):
        pass
    room.wait(1)
    room.playback.node_lost(GUILD)
    room.wait(30)
    room.playback.node_back(GUILD)
    room.wait(5, 96_300)
    room.playback.ended(play_id, "stopped", position_ms=96_300)
    assert room.play(play_id).played_ms == pytest.approx(41_000, abs=500)


def test_updates_that_come_late_and_all_at_once_lose_nothing(room: Room) -> None:
    """A connection that stalls for a while keeps what was sent."""
    play_id = room.start(Track("Long", None, 3_600_000, "Alice"))
    room.wait(5, 5_000)
    room.wait(20)
    for position in (10_000, 15_000, 20_000, 25_000):
        room.wait(0.001, position)
    room.wait(5, 30_000)
    room.playback.ended(play_id, "stopped", position_ms=30_000)
    assert room.play(play_id).played_ms == 30_000


def test_a_seek_that_did_not_take_place_is_found_out(room: Room) -> None:
    room.start()
    room.wait(3)
    with room.playback.seeking(GUILD, 10_000):
        pass
    room.wait(5, 8_000)
    playing = room.playback.playing(GUILD)
    assert playing is not None
    assert playing.position_ms == 8_000


def test_a_seek_that_failed_changes_nothing(room: Room) -> None:
    room.start()
    room.wait(3)
    with pytest.raises(TimeoutError), room.playback.seeking(GUILD, 10_000):
        raise TimeoutError
    playing = room.playback.playing(GUILD)
    assert playing is not None
    assert playing.position_ms == 3_000


def test_a_seek_past_the_end_hears_nothing_more(room: Room) -> None:
    play_id = room.start()
    room.wait(3)
    with room.playback.seeking(GUILD, 50_000):
        pass
    assert room.session().position_ms == 20_000
    room.playback.ended(play_id, "finished", position_ms=3_000)
    assert room.play(play_id).played_ms == 3_000


def test_time_without_a_voice_connection_is_not_heard_though_the_node_plays_on(room: Room) -> None:
    play_id = room.start()
    room.wait(1.2, 1_560, connected=False)
    assert room.playback.silent_for(GUILD) == 0
    room.wait(5, 6_560, connected=False)
    assert room.playback.silent_for(GUILD) == 5
    room.wait(1, 7_560)
    assert room.playback.silent_for(GUILD) == 0
    room.wait(2)
    room.playback.ended(play_id, "stopped", position_ms=9_560)
    assert room.play(play_id).played_ms == 3_560


def test_before_the_first_voice_connection_nothing_moves(room: Room) -> None:
    room.playback.started("first", GUILD, MORNING)
    room.wait(4)
    room.playback.tick()
    playing = room.playback.playing(GUILD)
    assert playing is not None
    assert playing.position_ms == 0


def test_at_double_speed_the_place_moves_twice_as_fast_as_what_is_heard(room: Room) -> None:
    play_id = room.start()
    room.wait(2)
    room.playback.speed_changed(GUILD, 2.0)
    assert room.session().speed == 2.0
    room.wait(3, 5_000)
    playing = room.playback.playing(GUILD)
    assert playing is not None
    assert playing.position_ms == 8_000
    room.wait(5, 10_000)
    room.wait(0.9)
    room.playback.ended(play_id, "finished", position_ms=10_900)
    # 2 s of the track at normal speed, the other 18 s in 9 s.
    assert room.play(play_id).played_ms == 11_000


def test_a_live_stream_has_no_duration_and_no_end(room: Room) -> None:
    play_id = room.start(Track("Radio", None, 2**63 - 1, "Alice"))
    assert (room.session().duration_ms, room.play(play_id).duration_ms) == (0, 0)
    room.wait(5, 5_000)
    room.wait(5, 10_000)
    room.playback.ended(play_id, "finished", position_ms=10_000)
    assert room.play(play_id).played_ms == 10_000


def test_the_next_track_takes_the_session_over(room: Room) -> None:
    first = room.start()
    room.wait(2)
    room.playback.ended(first, "finished", position_ms=2_000, follows=True)
    assert GUILD in room.recorder.sessions
    room.start(EVENING)
    assert (room.session().track_title, room.session().position_ms) == ("Evening", 0)


def test_a_successor_that_never_came_ends_the_session(room: Room) -> None:
    room.playback.ended(room.start(), "failed", follows=True)
    room.playback.nothing_follows(GUILD)
    assert GUILD not in room.recorder.sessions


def test_a_kick_between_two_tracks_ends_the_session(room: Room) -> None:
    room.playback.ended(room.start(), "finished", position_ms=20_000, follows=True)
    assert room.playback.live() == {GUILD}
    room.playback.closed(GUILD, "stopped")
    assert GUILD not in room.recorder.sessions
    assert room.playback.live() == frozenset()
    assert room.playback.begun() == {GUILD}


def test_a_shutdown_between_two_tracks_ends_the_session(room: Room) -> None:
    room.playback.ended(room.start(), "finished", position_ms=20_000, follows=True)
    room.playback.shutdown()
    assert GUILD not in room.recorder.sessions


def test_late_events_of_an_older_play_never_touch_the_newer_one(room: Room) -> None:
    first = room.start()
    room.wait(2)
    second = room.start(EVENING)
    assert room.play(first).end_reason == "replaced"
    before = list(room.recorder.history)
    room.playback.ended(first, "finished", position_ms=2_000)
    room.playback.broke(first)
    room.playback.will_end(first, "stopped")
    room.playback.started(first, GUILD, MORNING)
    room.playback.restored(first, 0)
    assert room.recorder.history == before
    assert room.play(second).end_reason is None
    assert room.session().track_title == "Evening"


def test_what_was_asked_for_is_the_reason_and_can_be_taken_back(room: Room) -> None:
    first = room.start()
    room.playback.will_end(first, "skipped")
    assert room.playback.is_ending(first)
    room.playback.will_end(first, None)
    assert not room.playback.is_ending(first)
    room.playback.will_end(first, "skipped")
    room.playback.ended(first, "replaced", follows=True)
    assert room.play(first).end_reason == "skipped"


def test_a_second_end_does_nothing(room: Room) -> None:
    play_id = room.start()
    room.playback.closed(GUILD, "stopped")
    room.wait(3)
    before = list(room.recorder.history)
    room.playback.ended(play_id, "lost")
    room.playback.closed(GUILD, "lost")
    assert room.recorder.history == before


def test_a_lost_node_freezes_the_session_and_a_restored_play_adds_up_in_one_row(room: Room) -> None:
    play_id = room.start()
    room.wait(5, 5_000)
    room.wait(1)
    room.playback.node_lost(GUILD)
    assert (room.session().position_ms, room.session().is_playing) == (6_000, False)
    room.wait(20, 0)
    assert room.playback.silent_for(GUILD) == 0
    room.playback.restored(play_id, 6_000)
    assert (room.session().position_ms, room.session().is_playing) == (6_000, True)
    room.wait(5, 11_000)
    room.playback.ended(play_id, "stopped", position_ms=11_000)
    assert room.play(play_id).played_ms == 11_000
    assert len(room.recorder.rows) == 1


def test_a_node_that_took_its_session_up_again_played_on_meanwhile(room: Room) -> None:
    play_id = room.start()
    room.wait(5, 5_000)
    room.playback.node_lost(GUILD)
    room.wait(8)
    room.playback.node_back(GUILD)
    # How far it is nobody knows before the node has told: no row says that it plays on from the old place.
    assert (room.session().position_ms, room.session().is_playing) == (5_000, False)
    room.wait(0.1, 13_020)
    assert (room.session().position_ms, room.session().is_playing) == (13_020, True)
    assert room.session().updated_at == START + timedelta(seconds=13.1)
    room.playback.ended(play_id, "stopped", position_ms=13_020)
    assert room.play(play_id).played_ms == 13_020


def test_a_track_that_ended_while_its_node_was_not_heard_was_heard_to_its_end(room: Room) -> None:
    play_id = room.start()
    room.wait(5, 5_000)
    room.playback.node_lost(GUILD)
    room.wait(16)
    room.playback.node_back(GUILD)
    room.playback.ended(play_id, "finished", position_ms=19_980)
    assert (room.play(play_id).end_reason, room.play(play_id).played_ms) == ("finished", 20_000)


def test_a_node_lost_again_before_it_told_anything_is_lost(room: Room) -> None:
    room.start()
    room.wait(5, 5_000)
    room.playback.node_lost(GUILD)
    room.playback.node_back(GUILD)
    room.playback.node_lost(GUILD)
    room.wait(3, 8_000)
    assert (room.session().position_ms, room.session().is_playing) == (5_000, False)


def test_paused_stays_paused_over_a_lost_node(room: Room) -> None:
    play_id = room.start()
    room.wait(2)
    room.playback.paused(GUILD, True, 2_000)
    room.playback.node_lost(GUILD)
    room.playback.restored(play_id, 2_000)
    assert room.session().is_playing is False


def test_a_node_that_never_came_back_loses_the_play(room: Room) -> None:
    play_id = room.start()
    room.wait(5, 5_000)
    room.playback.node_lost(GUILD)
    room.wait(60)
    room.playback.closed(GUILD, "lost")
    assert (room.play(play_id).end_reason, room.play(play_id).played_ms) == ("lost", 5_000)
    assert GUILD not in room.recorder.sessions


def test_a_silent_node_is_not_believed_to_play_on(room: Room) -> None:
    room.start(EVENING)
    room.wait(5, 5_000)
    room.wait(600)
    playing = room.playback.playing(GUILD)
    assert playing is not None
    assert playing.position_ms == 15_000


def test_a_shutdown_ends_everything_and_nothing_starts_after_it(room: Room) -> None:
    first, second = room.start(), room.start(EVENING, guild="8")
    room.wait(4)
    room.playback.will_end(first, "skipped")
    room.playback.shutdown()
    assert {room.play(play_id).end_reason for play_id in (first, second)} == {"shutdown"}
    assert room.play(first).played_ms == 4_000
    room.start()
    assert room.recorder.sessions == {}


def test_what_plays_is_recorded_again_every_interval_and_is_right_then(room: Room) -> None:
    room.start(EVENING)
    stamps: list[tuple[datetime, int]] = []
    for _ in range(50):
        room.wait(0.5, round((room.at - 99.5) * 1000))
        room.playback.tick()
        if (room.session().updated_at, room.session().position_ms) not in stamps:
            stamps.append((room.session().updated_at, room.session().position_ms))
    assert [position for _, position in stamps] == [0, 10_000, 20_000]
    assert [(at - START).total_seconds() for at, _ in stamps] == [0, 10, 20]


def test_a_paused_session_is_recorded_again_within_five_minutes(room: Room) -> None:
    room.start()
    room.playback.paused(GUILD, True)
    for _ in range(600):
        room.wait(0.5)
        room.playback.tick()
        assert (START + timedelta(seconds=room.at - 100)) - room.session().updated_at < timedelta(minutes=5)


def test_many_guilds_take_turns_of_twenty_a_second() -> None:
    room = Room(position_interval=1)
    for number in range(100):
        room.start(Track("Radio", None, 0, "Alice"), guild=str(number))
    first = len(room.recorder.history)
    rows: list[int] = []
    for _ in range(40):
        room.wait(0.5)
        room.playback.tick()
        rows.append(len(room.recorder.history) - first - sum(rows))
    assert max(rows) <= 10
    # 100 guilds, 20 a second: each every 5 s, so at least three times in 20 s.
    stamps = [row.guild_id for row in room.recorder.history[first:] if isinstance(row, Session)]
    assert min(stamps.count(str(number)) for number in range(100)) >= 3


STEPS = st.lists(
    st.tuples(st.sampled_from(["play", "pause", "seek", "speed", "drop", "update"]), st.floats(0.1, 4.0)),
    max_size=30,
)


@given(STEPS)
def test_whatever_happens_what_is_heard_is_what_the_node_sent(steps: list[tuple[str, float]]) -> None:
    room = Room()
    play_id = room.start(Track("Long", None, 3_600_000, "Alice"))
    reported, sent, paused, connected, told_at = 0.0, 0.0, False, True, room.at
    for step, seconds in steps:
        room.at += seconds
        if not paused:
            reported += seconds * 1000
            sent += seconds * 1000 if connected else 0
        if room.at - told_at > 5:  # as often Lavalink tells by itself
            room.playback.position(GUILD, round(reported), connected)
            told_at = room.at
        match step:
            case "pause":
                paused = not paused
                room.playback.paused(GUILD, paused, round(reported))
            case "seek":
                reported = 60_000 * seconds
                with room.playback.seeking(GUILD, round(reported)):
                    pass
            case "speed":
                room.playback.speed_changed(GUILD, seconds)
            case "drop":
                connected = not connected
                room.playback.position(GUILD, round(reported), connected)
            case _:
                room.playback.position(GUILD, round(reported), connected)
    room.playback.ended(play_id, "stopped", position_ms=round(reported))
    played = room.play(play_id).played_ms
    assert played is not None
    assert abs(played - sent) < 50
