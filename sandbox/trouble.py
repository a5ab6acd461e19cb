"""Faults of a service that answers requests; `clear` ends them all."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from sandbox.chance import Chance


@dataclass(slots=True)
class Trouble:
    """What goes wrong at the moment, and where chance lets it."""

    delay_s: float = 0.0
    lateness: Chance = field(default_factory=Chance)
    silence: Chance | None = None
    """Set while requests may be taken and not answered."""
    refusals: int = 0
    """How many requests more are over the limit."""
    refusing: Chance = field(default_factory=Chance)
    healed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the faults end."""

    def slow(self, seconds: float, seed: int | None) -> None:
        """From now on requests are so late, or by chance a part of it."""
        self.delay_s, self.lateness = seconds, Chance(seed)

    def refuse(self, times: int, seed: int | None) -> None:
        """The next requests are over the limit, or by chance some until so many were."""
        self.refusals, self.refusing = times, Chance(seed)

    def delay(self) -> float:
        """How many seconds the request at hand is late."""
        return self.delay_s * self.lateness.part()

    def is_silent(self) -> bool:
        """Whether the request at hand is left without an answer until `healed`."""
        return self.silence is not None and self.silence.strikes()

    def refuses(self) -> bool:
        """Whether the request at hand is over the limit; that uses a refusal up."""
        struck = self.refusals > 0 and self.refusing.strikes()
        self.refusals -= struck
        return struck

    async def wait(self) -> None:
        """Wait for as long as the request at hand is not answered."""
        if self.is_silent():
            await self.healed.wait()
        await asyncio.sleep(self.delay())

    def clear(self) -> None:
        """Nothing goes wrong any more; what waits goes on."""
        self.delay_s, self.silence, self.refusals = 0.0, None, 0
        self.healed.set()
        self.healed = asyncio.Event()
