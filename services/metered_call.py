"""One call to Gemini with its row in the ledger."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from services.errors import StoreUnavailable
from services.gemini import Content, Finish, Gemini, Tokens
from services.gemini_faults import GeminiError
from services.recorder import Records
from services.rows import Usage

log = logging.getLogger("bot.chat")


class MeteredCall:
    """A call whose row is on the disk before it is sent, and settled however it ends, cancelled too."""

    def __init__(self, recorder: Records, gemini: Gemini, row: Usage) -> None:
        self._recorder = recorder
        self._gemini = gemini
        self._row = row
        self._tokens: Tokens | None = None
        self.model = row.model
        self.received = ""
        """The text that has come so far."""
        self.finish: Finish | None = None

    async def texts(self, contents: Sequence[Content], system: str) -> AsyncGenerator[str, None]:
        """The text of each chunk that has any.

        Raises:
            StoreUnavailable: the row could not be opened; nothing was sent.
            GeminiError: the call failed, before or after text has come.
        """
        refused = True
        try:
            await self._recorder.commit(self._row, replace(self._row, status="failed"))
            refused = False
            async with aclosing(self._gemini.stream(self._row.model, contents, system)) as chunks:
                async for chunk in chunks:
                    self._tokens = chunk.tokens or self._tokens
                    self.finish = chunk.finish or self.finish
                    if chunk.text:
                        self.received += chunk.text
                        yield chunk.text
        except StoreUnavailable:
            self._row = replace(self._row, status="failed")
            raise
        except GeminiError as error:
            if self.finish is None:
                refused = error.refused and not self._tokens and not self.received
                raise
            # The answer was whole; only its stream did not end well.
            log.debug("a stream broke after its last chunk: %r", error)
        finally:
            if self._row.status == "open":
                self._recorder.record(self._settled(refused or self._blocked_for_nothing, contents, system))

    @property
    def _blocked_for_nothing(self) -> bool:
        return self.finish == "blocked" and self._tokens is None and not self.received

    def _settled(self, refused: bool, contents: Sequence[Content], system: str) -> Usage:
        if refused:
            return replace(self._row, status="failed")
        tokens = self._tokens or self._estimate(contents, system)
        return replace(
            self._row,
            status="settled",
            prompt_tokens=tokens.prompt,
            completion_tokens=tokens.candidates,
            total_tokens=tokens.total,
            estimated=self.finish is None or self._tokens is None,
        )

    def _estimate(self, contents: Sequence[Content], system: str) -> Tokens:
        prompt = sum(estimate(part) for content in contents for part in content.parts) + estimate(system)
        candidates = estimate(self.received)
        return Tokens(prompt, candidates, prompt + candidates)


def estimate(text: str) -> int:
    """Tokens of `text`, roughly: four Latin characters make one (ai.google.dev/gemini-api/docs/tokens), and a
    Japanese character is one."""
    ascii_characters = sum(character.isascii() for character in text)
    return -(-ascii_characters // 4) + len(text) - ascii_characters
