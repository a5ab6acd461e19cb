"""Fifty behaviours seen on Lavalink 4.2.2, each with the test that holds the stand-in to it."""

from __future__ import annotations

import importlib
import re

import pytest

_REPLAY = "recordings::test_a_recording_goes_alike"
# Number: what a real server does, and the tests of `test_lavalink_*.py` that say so here.
BEHAVIOURS: dict[int, tuple[str, tuple[str, ...]]] = {
    1: (
        "no password is 401, a wrong one 403, both without a body; every answer names version 4",
        ("rest::test_no_password_is_401_and_a_wrong_one_403_with_empty_bodies", f"{_REPLAY}[01_rest_basics]"),
    ),
    2: (
        "404 and 405 come even without a password; / and /v3/websocket are 200 and empty",
        (
            "rest::test_unknown_paths_are_404_even_without_a_password",
            "rest::test_wrong_methods_are_405_and_name_the_right_ones",
            "rest::test_version_info_stats_and_route_planner_have_their_shapes",
            f"{_REPLAY}[01_rest_basics]",
        ),
    ),
    3: (
        "errors have one shape, a trace only when asked for, and a malformed request is just Bad Request",
        (
            "rest::test_a_trace_comes_only_when_asked_for",
            "rest::test_a_wrong_field_is_400",
            "rest::test_unknown_paths_are_404_even_without_a_password",
            "play::test_no_replace_blocks_track_and_position_only",
            f"{_REPLAY}[01_rest_basics]",
        ),
    ),
    4: (
        "a slash at the end, /v4/version and /v4/sessions are 404; the version is text, its preRelease empty",
        (
            "rest::test_unknown_paths_are_404_even_without_a_password",
            "rest::test_version_info_stats_and_route_planner_have_their_shapes",
        ),
    ),
    5: (
        "looking at a session is 405; unknown sessions and players are 404",
        ("rest::test_unknown_sessions_and_players_are_404", f"{_REPLAY}[01_rest_basics]"),
    ),
    6: (
        "deleting a player that is not there is 204, an empty PATCH makes one",
        ("rest::test_an_empty_patch_makes_a_player_with_the_documented_shape", f"{_REPLAY}[01_rest_basics]"),
    ),
    7: (
        "unknown fields are ignored, whole numbers may be quoted, other types are 400 and text is 415",
        (
            "rest::test_unknown_fields_are_ignored_and_quoted_numbers_pass",
            "rest::test_a_wrong_field_is_400",
            "rest::test_bad_json_is_400_and_text_is_415",
            f"{_REPLAY}[01_rest_basics]",
            f"{_REPLAY}[04a_player_patch_novoice]",
        ),
    ),
    8: (
        "without a route planner its status is 204 and freeing an address 500",
        ("rest::test_version_info_stats_and_route_planner_have_their_shapes",),
    ),
    9: (
        "statistics over REST never have frame statistics",
        (
            "rest::test_version_info_stats_and_route_planner_have_their_shapes",
            "sessions::test_stats_are_pushed_every_interval_with_frames_of_a_whole_one",
            f"{_REPLAY}[07e_voice_framestats]",
        ),
    ),
    10: (
        "a WebSocket with a wrong password is 401, without a user 400, with a user that is no number closed by 1011",
        (
            "sessions::test_bad_handshakes_are_refused",
            "sessions::test_a_user_id_that_is_no_number_is_closed_with_1011",
            f"{_REPLAY}[02_ws_connect]",
        ),
    ),
    11: (
        "any client name will do, a foreign origin is 403, a binary frame closes by 1003, text is ignored",
        (
            "sessions::test_binary_frames_close_with_1003_and_text_is_ignored",
            "sessions::test_bad_handshakes_are_refused",
            f"{_REPLAY}[02_ws_connect]",
        ),
    ),
    12: (
        "the handshake says whether the session was resumed; session ids have 16 characters",
        ("sessions::test_a_connection_brings_ready_and_then_stats", f"{_REPLAY}[05a_resume_ok]"),
    ),
    13: (
        "ready comes first, but now and then after the statistics, which come every 60 s and not after a resume",
        (
            "sessions::test_by_chance_stats_come_before_ready",
            "sessions::test_stats_are_pushed_every_interval_with_frames_of_a_whole_one",
            f"{_REPLAY}[02_ws_connect]",
            f"{_REPLAY}[05a_resume_ok]",
        ),
    ),
    14: (
        "an unknown session id silently gives a new session",
        ("sessions::test_unknown_and_still_connected_session_ids_give_a_new_session",),
    ),
    15: (
        "SIGTERM closes by 1001, or without a close frame",
        ("faults::test_by_chance_a_stop_ends_a_connection_without_a_close_frame", f"{_REPLAY}[06b_server_shutdown]"),
    ),
    16: (
        "loadtracks is 200 whatever was found, and nothing is `empty`",
        ("tracks::test_what_no_source_takes_is_empty", f"{_REPLAY}[03_loadtracks]"),
    ),
    17: (
        "a media server's 404 is `empty`, its other refusals, a refused connection and damaged files are `error`",
        ("tracks::test_another_server_of_this_machine_is_fetched", f"{_REPLAY}[03_loadtracks]"),
    ),
    18: (
        "an error says always the same; its reason is only in the stack trace",
        ("tracks::test_an_error_hides_its_reason_in_the_stack_trace",),
    ),
    19: (
        "sources that are off, other schemes and missing files are `empty`",
        ("tracks::test_what_no_source_takes_is_empty", f"{_REPLAY}[03_loadtracks]"),
    ),
    20: (
        "a track names its container, untagged ones are Unknown, a redirect replaces the address",
        (
            "tracks::test_a_file_is_a_track_with_its_tags_and_length",
            "tracks::test_another_server_of_this_machine_is_fetched",
        ),
    ),
    21: (
        "an m3u is one endless stream that finishes at once, a pls its first entry",
        (
            "tracks::test_an_m3u_is_one_stream",
            "faults::test_an_m3u_finishes_after_one_frame",
            f"{_REPLAY}[07d_voice_failing_tracks]",
        ),
    ),
    22: (
        "a slow media server holds the request: 3 s without headers, 6 s without body, 57 s after some bytes",
        (f"{_REPLAY}[03_loadtracks]", "tracks::test_a_slow_search_blocks_only_itself"),
    ),
    23: (
        "what cannot be decoded is 500, one of many as well, an empty list 400",
        ("tracks::test_undecodable_tracks_are_500_and_nothing_to_decode_400", f"{_REPLAY}[03b_decode]"),
    ),
    24: (
        "a player has one shape; voice that is not set is three empty texts and no channel, its ping -1",
        ("rest::test_an_empty_patch_makes_a_player_with_the_documented_shape",),
    ),
    25: (
        "a play brings a start, two updates and the answer in any order; the replaced track's end is before the start",
        (
            "play::test_a_play_gives_a_start_two_updates_and_the_answer",
            "play::test_chance_puts_start_updates_and_answer_in_any_order",
            "play::test_replacing_ends_the_old_track_before_the_new_one_starts",
        ),
    ),
    26: (
        "an update comes every 5 s from the start, paused or not, none when idle, one more on a change",
        (
            "play::test_updates_come_every_five_seconds_from_the_start_and_never_when_idle",
            f"{_REPLAY}[04a_player_patch_novoice]",
            f"{_REPLAY}[07a_voice_full_play]",
        ),
    ),
    27: (
        "volume is clamped silently; an end time must be positive, and one that has passed never fires",
        (
            "rest::test_volume_is_clamped_silently",
            "play::test_an_end_time_finishes_and_one_that_passed_never_fires",
            f"{_REPLAY}[04a_player_patch_novoice]",
            f"{_REPLAY}[07a_voice_full_play]",
        ),
    ),
    28: (
        "a seek's answer may show the old place; beyond the end the track finishes, before the start is the start",
        (
            "seek::test_a_seek_goes_on_from_there",
            "seek::test_by_chance_a_seek_s_answer_still_shows_the_old_place",
            "seek::test_a_seek_beyond_the_end_finishes_only_with_voice",
        ),
    ),
    29: (
        "a position inside the track is ignored; a seek without a track does nothing",
        ("seek::test_a_seek_without_a_track_changes_nothing", f"{_REPLAY}[04a_player_patch_novoice]"),
    ),
    30: (
        "noReplace blocks track and position only; a new track unpauses; filters and volume last until DELETE",
        (
            "play::test_no_replace_blocks_track_and_position_only",
            "play::test_a_new_track_unpauses_and_keeps_volume_and_filters",
            "play::test_stop_and_delete_end_with_stopped_and_delete_resets",
        ),
    ),
    31: (
        "a track that is null or userData that is no object are 400; userData changes live, a new play resets it",
        (
            "rest::test_a_wrong_field_is_400",
            "play::test_user_data_updates_live_and_is_reset_by_a_new_play",
            f"{_REPLAY}[04a_player_patch_novoice]",
        ),
    ),
    32: (
        "an identifier that cannot be played is 400 with words, a damaged encoded track 500",
        (
            "rest::test_what_cannot_be_played_by_its_identifier_is_said",
            "play::test_a_track_of_another_time_is_played_from_its_encoded_form",
            f"{_REPLAY}[04a_player_patch_novoice]",
        ),
    ),
    33: (
        "filters replace as a whole with defaults filled in; hardly any range is checked, but an equaliser's band is",
        ("rest::test_filters_replace_as_a_whole_with_defaults_filled_in", f"{_REPLAY}[04b_filters]"),
    ),
    34: (
        "a stop and a DELETE end the track with `stopped`",
        ("play::test_stop_and_delete_end_with_stopped_and_delete_resets",),
    ),
    35: (
        "without voice nothing moves and nothing ends; an exception comes, and the track stays",
        (
            "play::test_without_voice_the_position_never_moves",
            "faults::test_without_voice_a_failing_track_stays",
            f"{_REPLAY}[04c_failing_tracks_novoice]",
        ),
    ),
    36: (
        "a voice state needs a channel: absent is a Bad Request, null or blank is told in words",
        ("rest::test_a_wrong_field_is_400", f"{_REPLAY}[04a_player_patch_novoice]"),
    ),
    37: (
        "a voice PATCH is answered before the identify: connected, ping 0, even if it is refused next",
        (
            "voice::test_rejected_data_shows_connected_at_first_and_then_closes_with_4006",
            f"{_REPLAY}[07c_voice_connect_failures]",
        ),
    ),
    38: (
        "an endpoint that cannot be reached hangs that voice PATCH and later ones for ever; the rest works",
        (
            "voice::test_an_endpoint_that_never_answers_hangs_voice_patches_until_deleted",
            "voice::test_it_hangs_for_good",
            f"{_REPLAY}[07c_voice_connect_failures]",
        ),
    ),
    39: (
        "a track finishes a buffer before its length, at the time of its last frame",
        ("play::test_with_voice_a_track_finishes_a_buffer_before_its_length", f"{_REPLAY}[07a_voice_full_play]"),
    ),
    40: (
        "the same voice data do nothing, new ones close with 1000 and play on",
        (
            "voice::test_the_same_data_again_does_nothing_until_discord_has_closed",
            "voice::test_new_data_closes_with_1000_and_plays_on",
        ),
    ),
    41: (
        "a final close by Discord is told, and the track runs on unheard",
        (
            "voice::test_a_close_by_discord_is_told_and_the_track_runs_on_unheard",
            "voice::test_new_data_closes_with_1000_and_plays_on",
            f"{_REPLAY}[07b_voice_close_codes]",
        ),
    ),
    42: (
        "a close that may be resumed, or a dropped connection, is never told",
        (
            "voice::test_closes_that_lavalink_resumes_are_not_seen",
            f"{_REPLAY}[07f_voice_resume_variants]",
        ),
    ),
    43: (
        "the same voice data after 4014 connect again",
        (
            "voice::test_the_same_data_again_does_nothing_until_discord_has_closed",
            f"{_REPLAY}[07b_voice_close_codes]",
        ),
    ),
    44: (
        "404 at the play: exception and loadFailed; damage in the middle: exception at once, the rest, finished",
        (
            "faults::test_media_that_answers_404_gives_an_exception_and_load_failed",
            "faults::test_damage_in_the_middle_gives_an_exception_at_once_and_finished_later",
            f"{_REPLAY}[07d_voice_failing_tracks]",
        ),
    ),
    45: (
        "ten seconds without a frame are told once, with an update, and the track is not ended",
        ("faults::test_a_stuck_track_is_reported_and_not_ended", f"{_REPLAY}[07d_voice_failing_tracks]"),
    ),
    46: (
        "at double speed a track ends in half the time, and positions are not scaled",
        (
            "play::test_double_speed_uses_the_track_up_twice_as_fast_and_positions_are_not_scaled",
            f"{_REPLAY}[07a_voice_full_play]",
        ),
    ),
    47: (
        "resuming is off by default; while the socket is down the session is 404, and the sound goes on",
        (
            "rest::test_resuming_is_off_by_default_and_is_changed_by_field",
            "sessions::test_a_resume_brings_the_session_back_with_its_events_and_an_update_a_player",
            f"{_REPLAY}[05a_resume_ok]",
        ),
    ),
    48: (
        "a resume brings ready, the events meanwhile and an update a player, also after a clean close",
        (
            "sessions::test_a_resume_brings_the_session_back_with_its_events_and_an_update_a_player",
            "sessions::test_a_resume_works_after_a_clean_close_too",
            f"{_REPLAY}[05a_resume_ok]",
        ),
    ),
    49: (
        "two sessions of one user know nothing of each other",
        ("sessions::test_two_sessions_of_one_user_are_independent", f"{_REPLAY}[06a_two_connections]"),
    ),
    50: (
        "wavelink: a wrong password disconnects the node, 404 is no track, an error raises, a whole play works",
        (
            "wavelink::test_a_wrong_password_disconnects_the_node",
            "wavelink::test_words_playlists_nothing_and_errors_load_as_wavelink_expects",
            "wavelink::test_a_whole_play_through_its_player",
        ),
    ),
}
# What of these has no test here, and why.
WITHOUT_A_TEST = {
    17: "a name that does not resolve is an error without asking: the stand-in never leaves loopback",
    19: "missing local paths only: the stand-in has the source for its own disk off",
    37: "the order of the voice gateway's operations is held by the tests of Discord's voice server",
    44: "a damaged mp3 that gives no exception is only a shorter file",
}


def test_all_are_there() -> None:
    assert list(BEHAVIOURS) == list(range(1, 51))
    assert WITHOUT_A_TEST.keys() <= BEHAVIOURS.keys()


@pytest.mark.parametrize("number", BEHAVIOURS)
def test_every_test_that_is_named_exists(number: int) -> None:
    said, tests = BEHAVIOURS[number]
    assert said
    assert tests
    for name in tests:
        module_name, function, _, parameter = re.fullmatch(r"(\w+)::(\w+)(\[(\w+)\])?", name).groups()  # type: ignore[union-attr]
        module = importlib.import_module(f"tests.sandbox.lavalink.test_lavalink_{module_name}")
        assert callable(getattr(module, function, None)), name
        assert parameter is None or parameter in module.NAMES, name
