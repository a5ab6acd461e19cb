"""Gemini: the key and each model."""

from __future__ import annotations

import asyncio

from services.doctor.check import Check, Finding, off, ok, run, wrong
from services.doctor.keys import ending
from services.gemini import Gemini
from services.gemini_faults import BadKey, Denied, GeminiError, ModelGone, RateLimited
from services.i18n import N_
from services.settings import Settings

_NETWORK_CURE = N_("Check the network and GEMINI_API_ENDPOINT; without that variable Google's own address is used.")
_KEY_CURE = N_("Make a key in Google AI Studio (aistudio.google.com) and put it into GEMINI_API_KEY.")
_MODEL_CURE = N_("Put a model that Google offers into GEMINI_MODEL; without that variable a stable one is used.")


async def gemini_findings(settings: Settings) -> list[Finding]:
    """Looks the models up, which uses no tokens."""
    if not settings.gemini_api_key:
        return [off("gemini.key", N_("Off: GEMINI_API_KEY is not set."))]
    key = settings.gemini_api_key
    async with Gemini(key, settings.gemini_api_endpoint) as gemini:
        # Outside the check's time: loading Google's packages takes as long as this machine needs.
        await gemini.opened()

        async def look() -> list[Finding]:
            seen = await asyncio.gather(*(_look_up(gemini, model) for model in settings.gemini_model))
            return _findings(key, dict(zip(settings.gemini_model, seen, strict=True)))

        return await run(Check("gemini.key", look, _NETWORK_CURE))


async def _look_up(gemini: Gemini, model: str) -> bool | GeminiError:
    try:
        return await gemini.chats(model)
    except GeminiError as error:
        return error


def _findings(key: str, seen: dict[str, bool | GeminiError]) -> list[Finding]:
    # What is wrong with the key or the way there is wrong for every model alike.
    for answer in seen.values():
        if (fault := _fault(answer, ending(key))) is not None:
            return [fault]
    accepted = ok("gemini.key", N_("Gemini accepts the API key {key}."), key=ending(key))
    return [accepted, *(_model(model, answer) for model, answer in seen.items())]


def _model(model: str, answer: bool | GeminiError) -> Finding:
    if answer is True:
        return ok("gemini.model", N_("The model is there."), model)
    if answer is False:
        return wrong("gemini.model", N_("The model is there, but it cannot chat."), _MODEL_CURE, model)
    return wrong("gemini.model", N_("There is no such model, or not for this key."), _MODEL_CURE, model)


def _fault(answer: bool | GeminiError, key: str) -> Finding | None:
    match answer:
        case bool() | ModelGone():
            return None
        case BadKey():
            return wrong("gemini.key", N_("Gemini refuses the API key {key}."), _KEY_CURE, key=key)
        case Denied():
            return wrong(
                "gemini.key",
                N_("The API key {key} may not use Gemini, or not from this country."),
                N_("Enable the Generative Language API for the key's project, or make a key in Google AI Studio."),
                key=key,
            )
        case RateLimited():
            return wrong(
                "gemini.key",
                N_("The quota of the API key {key} is used up."),
                N_("Wait until it is renewed, or take a larger plan in Google AI Studio."),
                key=key,
            )
        case _:
            return wrong("gemini.key", N_("Gemini cannot be reached."), _NETWORK_CURE)
