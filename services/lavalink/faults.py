"""What goes wrong between the bot, its nodes and the sources of music, in plain words."""

from __future__ import annotations

from services.errors import UserError
from services.i18n import N_


class NodeUnavailable(UserError):
    """No music server answers now; trying again later may help."""

    def __init__(self) -> None:
        super().__init__(N_("The music server does not answer just now. Try again in a moment."))


class MusicOff(UserError):
    """The operator has set no music server."""

    def __init__(self) -> None:
        super().__init__(N_("Music is off: the bot's operator has not set a Lavalink node."))


class NodeRefused(UserError):
    """The music server answered, and said no."""

    def __init__(self) -> None:
        super().__init__(N_("The music server could not do that."))


class VoiceUnavailable(UserError):
    """The voice channel could not be joined in time."""

    def __init__(self) -> None:
        super().__init__(N_("I could not join the voice channel. Try again in a moment."))


class PlayerGone(UserError):
    """The player left its channel in the middle of what was asked of it."""

    def __init__(self) -> None:
        super().__init__(N_("I am not in the voice channel any more."))


class NotSpeaking(UserError):
    """On a stage, and only a listener there."""

    def __init__(self) -> None:
        super().__init__(N_("I am only a listener on this stage: nobody hears the music until I am made a speaker."))


class NothingFound(UserError):
    """No source has what was asked for."""

    def __init__(self) -> None:
        super().__init__(N_("Nothing was found."))


class SourceFailed(UserError):
    """A source could not deliver; `cause` is what Lavalink said, which only picks the sentence."""

    def __init__(self, cause: str) -> None:
        super().__init__(sentence(cause))


# Parts of the causes that Lavalink and its YouTube plugin give, and what they mean to a listener.
_SENTENCES = {
    ("requires login", "please sign in", "sign in to confirm", "login_required"): N_(
        "YouTube asks the music server to sign in, so it does not give this track out just now."
    ),
    ("all clients failed",): N_("YouTube refused every way in that the music server knows."),
    ("video player configuration error", "must find sig function"): N_(
        "YouTube has changed, and the music server cannot read it until its plugin is updated."
    ),
    ("video is not available", "video is unavailable", "private video"): N_("This video is not available."),
    ("not success status code: 403",): N_("The source refused to send the sound."),
}


def sentence(cause: str) -> str:
    """The message id that tells a listener what `cause`, Lavalink's own words, means."""
    folded = cause.casefold().replace("\u2019", "'")
    for signs, message in _SENTENCES.items():
        if any(sign in folded for sign in signs):
            return message
    return N_("The source could not deliver this track.")
