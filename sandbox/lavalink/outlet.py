"""What a player needs to know of the session that it belongs to."""

from typing import Protocol

from sandbox.lavalink.account import Account
from sandbox.lavalink.payloads import Message


class Outlet(Protocol):
    """Where a player's messages go, and whose it is."""

    id: str
    account: Account
    stuck_threshold_ms: int

    def send(self, message: Message) -> None:
        """Send to the client, or queue while its socket is down."""
