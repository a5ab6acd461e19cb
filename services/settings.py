"""All that an operator sets, read once from the environment (or `.env`) into one frozen value."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal, cast
from urllib.parse import quote, unquote, urlsplit

from dotenv import dotenv_values
from pydantic import BeforeValidator, Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from services.i18n import N_, Locale, say

# Where each search source's tracks live; `/play` takes a URL only from these hosts unless ALLOWED_HOSTS names others.
SOURCE_HOSTS = {
    "ytsearch": ("youtube.com", "youtu.be"),
    "ytmsearch": ("youtube.com", "youtu.be"),
    "scsearch": ("soundcloud.com",),
    "bcsearch": ("bandcamp.com",),
    "spsearch": ("open.spotify.com",),
    "amsearch": ("music.apple.com",),
    "dzsearch": ("deezer.com",),
}

WORDS = {
    "required": N_("is required"),
    "url": N_("must be a URL such as {example}"),
    "number": N_("must be a number from {low} to {high}"),
    "choice": N_("must be one of {choices}"),
    "source": N_("must be search prefixes such as ytmsearch, separated by commas"),
    "host": N_("must be host names such as youtube.com, separated by commas"),
    "printable": N_("must be one word without spaces or control characters"),
    "endpoint": N_("must be host:port"),
    "no_key": N_("is set, but neither SUPABASE_SERVICE_ROLE_KEY nor SUPABASE_ANON_KEY is"),
    "no_url": N_("is required where a Supabase key is set"),
    "unusable": N_("cannot be used"),
    "unreadable": N_("cannot be read: it has to be a text file in UTF-8 that the bot may read"),
}


class SettingsError(Exception):
    """The settings cannot be used; `faults` names every wrong variable with what is wrong with it."""

    def __init__(self, faults: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name} {fault}" for name, fault in faults.items()))
        self.faults = faults


def _fault(word: str, **values: object) -> ValueError:
    return ValueError(word, values)


def _split(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _parts(value: Any) -> tuple[str, ...]:
    return cast(tuple[str, ...], value) if isinstance(value, tuple) else (str(value),)


def _matching(pattern: str, word: str) -> BeforeValidator:
    expression = re.compile(pattern)

    def check(value: Any) -> Any:
        if not all(expression.fullmatch(part) for part in _parts(value)):
            raise _fault(word)
        return value

    return BeforeValidator(check)


def _url(*schemes: str, example: str) -> BeforeValidator:
    def check(value: Any) -> Any:
        for part in _parts(value):
            try:
                url = urlsplit(part)
                valid = url.scheme in schemes and bool(url.hostname) and (url.port is None or url.port > 0)
            except ValueError:
                valid = False
            if not valid or not part.isprintable() or " " in part:
                raise _fault("url", example=example)
        return value

    return BeforeValidator(check)


def _number(low: float, high: float) -> BeforeValidator:
    def check(value: Any) -> Any:
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = float("nan")
        if not low <= number <= high:
            raise _fault("number", low=f"{low:g}", high=f"{high:g}")
        return value

    return BeforeValidator(check)


def _choice(*choices: str) -> BeforeValidator:
    def check(value: Any) -> Any:
        for choice in choices:
            if str(value).casefold() == choice.casefold():
                return choice
        raise _fault("choice", choices=", ".join(choices))

    return BeforeValidator(check)


Word = Annotated[str, _matching(r"[!-~]+", "printable")]
Words = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """The operator's settings; every default but the token's is fit for production."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8-sig", extra="ignore", frozen=True, case_sensitive=False
    )

    discord_token: Word = Field(repr=False)
    discord_api_url: Annotated[str, _url("http", "https", example="https://discord.com/api/v10")] = (
        "https://discord.com/api/v10"
    )
    discord_gateway_url: Annotated[str, _url("ws", "wss", example="wss://gateway.discord.gg")] | None = None
    discord_cdn_url: Annotated[str, _url("http", "https", example="https://cdn.discordapp.com")] = (
        "https://cdn.discordapp.com"
    )
    lavalink_nodes: Annotated[
        Words, _url("http", "https", example="http://:password@host:2333"), BeforeValidator(_split)
    ] = Field(default=("http://:youshallnotpass@localhost:2333",), repr=False)
    gemini_api_key: Word | None = Field(default=None, repr=False)
    gemini_api_endpoint: (
        Annotated[str, _matching(r"[A-Za-z0-9.\-\[\]:]+:\d{1,5}|[A-Za-z0-9.\-]+", "endpoint")] | None
    ) = None
    gemini_model: Annotated[Words, _matching(r"[\w./-]+", "printable"), BeforeValidator(_split)] = (
        "gemini-3.5-flash-lite",
    )
    supabase_service_role_key: Word | None = Field(default=None, repr=False)
    supabase_anon_key: Word | None = Field(default=None, repr=False)
    supabase_url: Annotated[str, _url("http", "https", example="https://your-project.supabase.co")] | None = Field(
        default=None, validate_default=True
    )
    search_sources: Annotated[Words, _matching(r"[a-z]+search", "source"), BeforeValidator(_split)] = (
        "ytmsearch",
        "ytsearch",
        "scsearch",
    )
    allowed_hosts: Annotated[Words, _matching(r"[A-Za-z0-9.:\[\]-]+", "host"), BeforeValidator(_split)] = ()
    data_dir: Path = Path("data")
    http_host: Annotated[str, _matching(r"[A-Za-z0-9.:-]+", "host")] = "127.0.0.1"
    http_port: Annotated[int, _number(1, 65535)] = 8080
    stats_interval: Annotated[float, _number(0.1, 86400)] = 300
    position_interval: Annotated[float, _number(0.1, 3600)] = 10
    log_level: Annotated[str, _choice("DEBUG", "INFO", "WARNING", "ERROR")] = "INFO"
    log_format: Annotated[Literal["text", "json"], _choice("text", "json")] = "text"
    default_locale: Annotated[Locale, _choice("en", "ja")] = "en"

    @model_validator(mode="before")
    @classmethod
    def _empty_is_unset(cls, values: dict[str, Any]) -> dict[str, Any]:
        # A compose file passes `${NAME:-}` as an empty string. Only LAVALINK_NODES means something by it: no music.
        return {name: value for name, value in values.items() if name == "lavalink_nodes" or str(value).strip()}

    @field_validator("supabase_url")
    @classmethod
    def _url_and_key_go_together(cls, value: str | None, info: ValidationInfo) -> str | None:
        keys = ("supabase_service_role_key", "supabase_anon_key")
        if any(name not in info.data for name in keys):
            return value  # a key's own fault is already told
        has_key = any(info.data[name] for name in keys)
        if value and not has_key:
            raise _fault("no_key")
        if has_key and not value:
            raise _fault("no_url")
        return value.rstrip("/") if value else None

    @property
    def supabase_key(self) -> str | None:
        """The key that is used: the service role's where both are given."""
        return self.supabase_service_role_key or self.supabase_anon_key

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every value that may appear in no log, row, reply or metric."""
        urls = (*self.lavalink_nodes, self.supabase_url, self.discord_api_url, self.discord_gateway_url)
        passwords = (urlsplit(url).password for url in urls if url)
        keys = (
            self.discord_token,
            self.gemini_api_key,
            self.supabase_service_role_key,
            self.supabase_anon_key,
            *passwords,
        )
        # As they are written in a URL, as they are meant, and as a library would write them anew.
        forms = ((secret, unquote(secret), quote(unquote(secret), safe="")) for secret in keys if secret)
        return tuple(dict.fromkeys(form for secret in forms for form in secret))


def load_settings() -> Settings:
    """The settings of this process's environment and `.env`.

    Raises:
        SettingsError: at least one variable is wrong; all wrong ones are in it, in the language of DEFAULT_LOCALE.
    """
    try:
        return Settings()  # pyright: ignore[reportCallIssue] - the environment fills the required field
    except ValidationError as error:
        wrong = {str(fault["loc"][0]).upper(): fault for fault in error.errors() if fault["loc"]}
        locale = operator_locale()
        raise SettingsError({name: _sentence(fault, locale) for name, fault in wrong.items()}) from None
    except (OSError, UnicodeError):
        unreadable = WORDS["unreadable"]
        locale = "ja" if os.environ.get("DEFAULT_LOCALE", "").casefold() == "ja" else "en"
        raise SettingsError({".env": say(locale, unreadable)}) from None


def operator_locale() -> Locale:
    """The language of DEFAULT_LOCALE, whatever is wrong with the other settings."""
    name = "DEFAULT_LOCALE"
    try:
        given = os.environ.get(name) or dotenv_values(".env").get(name) or ""
    except (OSError, UnicodeError):
        return "en"
    return "ja" if given.casefold() == "ja" else "en"


def _sentence(fault: ErrorDetails, locale: Locale) -> str:
    required, unusable = WORDS["required"], WORDS["unusable"]
    if fault["type"] == "missing":
        return say(locale, required)
    cause = fault.get("ctx", {}).get("error")
    if isinstance(cause, ValueError) and len(cause.args) == 2:
        word, values = cause.args
        said = WORDS[word]
        return say(locale, said, **values)
    return say(locale, unusable)
