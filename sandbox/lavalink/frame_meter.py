"""How many frames a player sent since the last statistics, and since when without a pause."""


class FrameMeter:
    """Counts frames of one player; times are the event loop's, in seconds."""

    def __init__(self) -> None:
        self._frames = 0
        self._since: float | None = None

    def start(self, now: float) -> None:
        """Frames flow; a change of track does not interrupt them."""
        self._since = now if self._since is None else self._since

    def stop(self) -> None:
        """A pause, or voice was lost."""
        self._since = None

    def add(self, frames: int) -> None:
        """Count frames."""
        self._frames += frames

    def take(self) -> int:
        """Frames since this was last asked."""
        frames, self._frames = self._frames, 0
        return frames

    def flows_for(self, seconds: float, now: float) -> bool:
        """Whether frames have flowed for that long."""
        return self._since is not None and now - self._since >= seconds
