"""Per-route rate limits (discord.com/developers/docs/topics/rate-limits).

Discord publishes no figures; these are the ones that have long been seen: five messages and edits
in 5 s per channel, five requests in 2 s per webhook.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field

from .payload import Json


@dataclass(slots=True)
class Bucket:
    """At most ``limit`` requests in ``window`` seconds."""

    name: str
    limit: int
    window: float
    taken: deque[float] = field(default_factory=deque[float])

    def take(self) -> bool:
        now = asyncio.get_running_loop().time()
        while self.taken and self.taken[0] <= now - self.window:
            self.taken.popleft()
        if len(self.taken) >= self.limit:
            return False
        self.taken.append(now)
        return True

    def reset_after(self) -> float:
        """Seconds until the next request is let through."""
        now = asyncio.get_running_loop().time()
        return max(0.001, self.taken[0] + self.window - now) if self.taken else 0.0

    def headers(self) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.limit - len(self.taken)),
            "X-RateLimit-Reset": f"{time.time() + self.reset_after():.3f}",
            "X-RateLimit-Reset-After": f"{self.reset_after():.3f}",
            "X-RateLimit-Bucket": self.name,
        }

    def refusal(self) -> tuple[Json, dict[str, str]]:
        """Body and headers of a 429. ``Via`` is there because Discord's proxies add it."""
        body: Json = {
            "message": "You are being rate limited.",
            "retry_after": round(self.reset_after(), 3),
            "global": False,
        }
        headers = self.headers() | {
            "Retry-After": str(int(self.reset_after()) + 1),
            "X-RateLimit-Scope": "user",
            "Via": "1.1 google",
        }
        return body, headers


class RateLimits:
    def __init__(self) -> None:
        self._buckets: dict[tuple[str, str], Bucket] = {}

    def bucket(self, method: str, route: str, params: dict[str, str]) -> Bucket | None:
        """The bucket of a request; None for routes without one here."""
        if route.startswith("/channels/{channel_id}/messages") and method in ("POST", "PATCH"):
            return self._get("d7f3a1c5-messages", params["channel_id"], 5, 5.0)
        if route.startswith("/webhooks/") and method in ("POST", "PATCH"):
            return self._get("5b2e9c04-webhooks", params["webhook_token"], 5, 2.0)
        return None

    def _get(self, name: str, major: str, limit: int, window: float) -> Bucket:
        return self._buckets.setdefault((name, major), Bucket(name, limit, window))
