"""Faults that a person is told about, each as one sentence in that person's language."""

from __future__ import annotations

from services.i18n import Locale, say


class UserError(Exception):
    """A fault with a sentence for the person who met it.

    `message` is a gettext message id (English) with `str.format` fields, `values` fills them. The sentence is the
    whole answer: it never holds an exception's own text, a key or a path.
    """

    def __init__(self, message: str, **values: object) -> None:
        super().__init__(message)
        self.message = message
        self.values = values

    def text(self, locale: Locale) -> str:
        """The sentence in `locale`."""
        return say(locale, self.message, **self.values)


class Unstartable(UserError):
    """Why the bot cannot run, in one sentence for its operator: it may name a path and what the system said."""

    def __str__(self) -> str:
        return self.text("en")


class StoreUnavailable(Exception):
    """The local store cannot commit now (full, read-only or damaged); what was handed over waits in memory."""
