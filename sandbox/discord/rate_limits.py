"""Rate limits (discord.com/developers/docs/topics/rate-limits).

Discord publishes the 50 requests a second of a token and the 10,000 invalid ones in 10 minutes of an address.
The others are what has long been seen: five messages and edits in 5 s per channel, five requests in 2 s per
webhook, and three edits in 20 s per channel of messages that are older than an hour.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass

from .errors import DiscordError, blocked, old_edits, rate_limited
from .snowflake import time_ms

HOUR_MS = 3_600_000
INVALID = (401, 403, 429)
MESSAGES = {
    ("POST", "/channels/{channel_id}/messages"),
    ("PATCH", "/channels/{channel_id}/messages/{message_id}"),
}


def _now() -> float:
    return asyncio.get_running_loop().time()


@dataclass(slots=True)
class Bucket:
    """At most ``limit`` requests in ``window`` seconds, counted from the first of them."""

    name: str
    limit: int
    window: float
    taken: int = 0
    ends: float = 0.0

    def take(self) -> bool:
        if _now() >= self.ends:
            self.taken, self.ends = 0, _now() + self.window
        if self.taken == self.limit:
            return False
        self.taken += 1
        return True

    def reset_after(self) -> float:
        """Seconds until requests are let through again."""
        return max(0.001, self.ends - _now())

    def headers(self) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.limit - self.taken),
            "X-RateLimit-Reset": f"{time.time() + self.reset_after():.3f}",
            "X-RateLimit-Reset-After": f"{self.reset_after():.3f}",
            "X-RateLimit-Bucket": self.name,
        }


class RateLimits:
    """What one bot has used up. ``invalid_limit`` requests in ``invalid_window`` s ban its address for as long."""

    def __init__(self) -> None:
        self.invalid_limit = 10_000
        self.invalid_window = 600.0
        self.aged_ms = 0
        """How much older every message is taken to be."""
        self._token = Bucket("", 50, 1.0)
        self._buckets: dict[tuple[str, str], Bucket] = {}
        self._invalid: deque[float] = deque()
        self._banned_until = 0.0

    def check_address(self) -> None:
        """Raises the block of an address that sent too many invalid requests."""
        if _now() < self._banned_until:
            raise blocked(self._banned_until - _now())

    def check(self, method: str, route: str, params: dict[str, str], *, interaction: bool) -> dict[str, str]:
        """The headers of a request that is let through; ``interaction`` endpoints do not count for the token.

        Raises 429 of the token, of the route, or 30046.
        """
        if not interaction and not self._token.take():
            raise rate_limited(self._token.reset_after(), everywhere=True, scope="global")
        bucket = self._bucket(method, route, params)
        if bucket is None:
            return {}
        if not bucket.take():
            refused = rate_limited(bucket.reset_after())
            refused.headers |= bucket.headers()
            raise refused
        if method == "PATCH" and route.startswith("/channels/") and self._is_old(params["message_id"]):
            old = self._get("c1e8a7b2-old-edits", params["channel_id"], 3, 20.0)
            if not old.take():
                raise old_edits(old.reset_after())
        return bucket.headers()

    def count(self, error: DiscordError) -> None:
        """Remember an answer that Discord holds against the address; limits that others share are none."""
        if error.status not in INVALID or error.headers.get("X-RateLimit-Scope") == "shared":
            return
        self._invalid.append(_now())
        while self._invalid[0] <= _now() - self.invalid_window:
            self._invalid.popleft()
        if len(self._invalid) >= self.invalid_limit:
            self._invalid.clear()
            self._banned_until = _now() + self.invalid_window

    def _is_old(self, message_id: str) -> bool:
        made = int(message_id) >> 22 if message_id.isdecimal() else 0
        return time_ms() + self.aged_ms - made > HOUR_MS

    def _bucket(self, method: str, route: str, params: dict[str, str]) -> Bucket | None:
        """The bucket of a request; None for routes without one here."""
        if (method, route) in MESSAGES:
            return self._get("d7f3a1c5-messages", params["channel_id"], 5, 5.0)
        if route.startswith("/webhooks/") and method in ("POST", "PATCH"):
            return self._get("5b2e9c04-webhooks", params["webhook_token"], 5, 2.0)
        return None

    def _get(self, name: str, major: str, limit: int, window: float) -> Bucket:
        return self._buckets.setdefault((name, major), Bucket(name, limit, window))
