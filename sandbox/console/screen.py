"""What the user of the sandbox sees: lines of its own, and messages while they come and change."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live

from sandbox.console.render import rendered
from sandbox.discord.messages import Message


class Screen:
    """Prints to `console`. On a terminal (`live`) an answer is drawn anew while it streams; otherwise it is
    printed once it has settled."""

    def __init__(self, console: Console, *, live: bool) -> None:
        self._console = console
        self._is_live = live
        self._gathered: dict[int, Message] | None = None
        self._region: Live | None = None

    def say(self, text: str, style: str = "") -> None:
        """A line of the sandbox's own, printed as it is."""
        self._console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)

    def note(self, text: str) -> None:
        """A line about what happened, less loud than an answer."""
        self.say(f"  {text}", "dim")

    def problem(self, text: str) -> None:
        self.say(f"  ✗ {text}", "bold red")

    def show(self, part: RenderableType) -> None:
        self._console.print(part)

    def changed(self, message: Message) -> None:
        """A message is new, or shows something else than before."""
        if self._gathered is None:
            self._console.print(rendered(message))
            return
        self._gathered[message.id] = message
        if self._region is not None:
            self._region.update(self._group(), refresh=True)

    @contextmanager
    def gathering(self) -> Generator[None]:
        """Within it messages are one block that changes in place; at its end they stay as they are then."""
        self._gathered = {}
        try:
            if self._is_live:
                with Live(console=self._console, auto_refresh=False) as self._region:
                    yield
                    self._region.update(self._group(), refresh=True)
            else:
                yield
        finally:
            gathered, self._gathered, self._region = self._gathered, None, None
            if not self._is_live:
                for message in gathered.values():
                    self._console.print(rendered(message))

    def _group(self) -> Group:
        return Group(*(rendered(message) for message in (self._gathered or {}).values()))
