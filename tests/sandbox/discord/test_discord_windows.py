"""How long each rate limit lasts, by a clock of the test's own."""

from __future__ import annotations

import pytest

from sandbox.discord.errors import DiscordError, missing_permissions, shared_limit, unauthorized, unknown
from sandbox.discord.rate_limits import RateLimits
from sandbox.discord.snowflake import time_ms

CREATE = ("POST", "/channels/{channel_id}/messages")
EDIT = ("PATCH", "/channels/{channel_id}/messages/{message_id}")
WEBHOOK = "/webhooks/{webhook_id}/{webhook_token}"


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("sandbox.discord.rate_limits._now", lambda: clock.now)
    return clock


class Asking:
    """Requests of one bot, about one channel and one interaction unless others are named."""

    def __init__(self) -> None:
        self.limits = RateLimits()
        self._named = {"channel_id": "1", "webhook_id": "2", "webhook_token": "t", "message_id": _message()}

    def __call__(self, method: str, route: str, **named: str) -> DiscordError | None:
        """What the request is refused with."""
        try:
            self.limits.check(method, route, self._named | named, interaction=route.startswith("/webhooks/"))
        except DiscordError as error:
            return error
        return None


def _message(age_s: float = 0) -> str:
    """The id of a message that is so old."""
    return str(time_ms() - round(age_s * 1000) << 22)


@pytest.mark.parametrize(
    ("method", "route", "limit", "window"),
    [
        ("GET", "/users/@me", 50, 1.0),
        (*CREATE, 5, 5.0),
        (*EDIT, 5, 5.0),
        ("POST", WEBHOOK, 5, 2.0),
        ("PATCH", f"{WEBHOOK}/messages/{{message_id}}", 5, 2.0),
    ],
)
def test_so_many_requests_in_so_many_seconds(clock: Clock, method: str, route: str, limit: int, window: float) -> None:
    asking = Asking()
    for _ in range(2):
        assert [asking(method, route) for _ in range(limit)] == [None] * limit
        clock.now += window - 0.01
        refused = asking(method, route)
        assert refused is not None
        assert refused.body["retry_after"] == pytest.approx(0.01)
        clock.now += 0.01


def test_what_an_interactions_webhook_reads_and_deletes_is_not_counted_with_what_it_writes() -> None:
    asking = Asking()
    for method in ("GET", "DELETE"):
        assert [asking(method, f"{WEBHOOK}/messages/{{message_id}}") for _ in range(6)] == [None] * 6


def test_edits_of_old_messages_are_three_in_twenty_seconds_a_channel(clock: Clock) -> None:
    asking = Asking()
    old = [_message(3_700), _message(4_000)]
    assert [asking(*EDIT, message_id=old[number % 2]) for number in range(3)] == [None] * 3
    # The channel has five of its own again by then.
    clock.now += 19.99
    for message in old:
        refused = asking(*EDIT, message_id=message)
        assert refused is not None
        assert (refused.status, refused.body["code"]) == (429, 30046)
    assert asking(*EDIT, message_id=old[0], channel_id="another") is None
    assert [asking(*EDIT, message_id=_message(3_500)) for _ in range(2)] == [None] * 2
    clock.now += 0.01
    assert asking(*EDIT, message_id=old[0]) is None


@pytest.mark.parametrize("error", [unauthorized(), missing_permissions(), DiscordError(429, 0, "limited")])
def test_ten_thousand_invalid_requests_in_ten_minutes_ban_for_as_long(clock: Clock, error: DiscordError) -> None:
    limits = RateLimits()
    for _ in range(9_999):
        limits.count(error)
    clock.now += 600
    # The first of them are too long ago by now.
    for _ in range(9_999):
        limits.count(error)
    for harmless in (unknown(10003, "Channel"), shared_limit(1)):
        limits.count(harmless)
    limits.check_address()
    limits.count(error)
    clock.now += 599.9
    with pytest.raises(DiscordError, match="You are being blocked"):
        limits.check_address()
    clock.now += 0.1
    limits.check_address()
