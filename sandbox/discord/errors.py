"""Error answers (discord.com/developers/docs/topics/opcodes-and-status-codes#json)."""

from typing import Any

from .payload import Json


class DiscordError(Exception):
    """An answer other than success: HTTP status, Discord's code, its message, errors by field."""

    def __init__(self, status: int, code: int, message: str, errors: Json | None = None) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.body: Json = {"message": message, "code": code}
        if errors is not None:
            self.body["errors"] = errors
        self.headers: dict[str, str] = {}


def unauthorized() -> DiscordError:
    return DiscordError(401, 0, "401: Unauthorized")


def no_such_route() -> DiscordError:
    return DiscordError(404, 0, "404: Not Found")


def wrong_method() -> DiscordError:
    return DiscordError(405, 0, "405: Method Not Allowed")


def unknown(code: int, what: str) -> DiscordError:
    """10003 Channel, 10004 Guild, 10007 Member, 10008 Message, 10013 User, 10015 Webhook, …"""
    return DiscordError(404, code, f"Unknown {what}")


def missing_access() -> DiscordError:
    return DiscordError(403, 50001, "Missing Access")


def missing_permissions() -> DiscordError:
    return DiscordError(403, 50013, "Missing Permissions")


def rate_limited(retry_after: float, *, everywhere: bool = False, scope: str = "user") -> DiscordError:
    """429, for so many seconds; ``everywhere`` is what Discord calls global.

    ``Via`` is there because Discord's proxies add it: a 429 without one comes from Cloudflare.
    """
    error = DiscordError(429, 0, "You are being rate limited.")
    del error.body["code"]
    error.body |= {"retry_after": round(retry_after, 3), "global": everywhere}
    error.headers |= {"Retry-After": str(int(retry_after) + 1), "X-RateLimit-Scope": scope, "Via": "1.1 google"}
    if everywhere:
        error.headers["X-RateLimit-Global"] = "true"
    return error


def shared_limit(retry_after: float) -> DiscordError:
    """429 of a resource that others have used up, for so many seconds; no fault of the bot's."""
    error = rate_limited(retry_after, scope="shared")
    error.body["message"] = "The resource is being rate limited."
    return error


def old_edits(retry_after: float) -> DiscordError:
    """Too many edits of messages that are older than an hour, for so many seconds."""
    error = rate_limited(retry_after)
    text = "Maximum number of edits to messages older than 1 hour reached. Try again later"
    error.body |= {"message": text, "code": 30046}
    return error


def blocked(retry_after: float) -> DiscordError:
    """Cloudflare's answer to an address that sent too many invalid requests.

    It comes from no server of Discord's: without ``Via``, and without what a limit of Discord's says
    (github.com/discord/discord-api-docs/issues/5810).
    """
    docs = "https://discord.com/developers/docs/topics/rate-limits"
    why = "You are being blocked from accessing our API temporarily due to exceeding our rate limits frequently."
    error = DiscordError(429, 0, f"{why} Please read our docs at {docs} to prevent this moving forward.")
    error.headers |= {"Retry-After": str(int(retry_after) + 1), "Server": "cloudflare"}
    return error


def invalid_json() -> DiscordError:
    return DiscordError(400, 50109, "The request body contains invalid JSON.")


def invalid_form(message: str) -> DiscordError:
    """A body that cannot be read as a form at all."""
    errors = FormErrors()
    errors.add((), "BASE_TYPE_BAD_TYPE", message)
    return errors.refusal()


def integer(value: Any, *path: str) -> int:
    """A number or a snowflake as an int; None is 0. Raises 50035 at ``path`` for anything else."""
    try:
        return int(value or 0)
    except (TypeError, ValueError):
        errors = FormErrors()
        errors.add(path, "NUMBER_TYPE_COERCE", f'Value "{value}" is not int.')
        raise errors.refusal() from None


class FormErrors:
    """Collects what is wrong with a body, field by field, for one 50035.

    What is wrong within a field hides what is wrong with it as a whole: Discord's OpenAPI document knows a field
    with ``_errors`` and one with fields, and none with both.
    """

    def __init__(self, *prefix: str | int) -> None:
        self._prefix = prefix
        self._tree: Json = {}

    def add(self, path: tuple[str | int, ...], code: str, message: str) -> None:
        node = self._tree
        for step in (*self._prefix, *path):
            node = node.setdefault(str(step), {})
        node.setdefault("_errors", []).append({"code": code, "message": message})

    def required(self, *path: str | int) -> None:
        self.add(path, "BASE_TYPE_REQUIRED", "This field is required")

    def length(self, value: Any, least: int, most: int, *path: str | int) -> None:
        """Check that a value is a string of ``least`` to ``most`` characters."""
        if not isinstance(value, str):
            self.add(path, "STRING_TYPE_CONVERT", f'Could not interpret "{value}" as string.')
        else:
            self.amount(len(value), least, most, *path)

    def amount(self, count: int, least: int, most: int, *path: str | int) -> None:
        """Check how many characters or items there are."""
        if count > most and least == 0:
            self.add(path, "BASE_TYPE_MAX_LENGTH", f"Must be {most} or fewer in length.")
        elif not least <= count <= most:
            self.add(path, "BASE_TYPE_BAD_LENGTH", f"Must be between {least} and {most} in length.")

    def choice(self, *path: str | int) -> None:
        self.add(path, "BASE_TYPE_CHOICES", "This value is not one of the allowed choices.")

    def refusal(self) -> DiscordError:
        return DiscordError(400, 50035, "Invalid Form Body", _innermost(self._tree))

    def raise_any(self) -> None:
        if self._tree:
            raise self.refusal()


def _innermost(tree: Json) -> Json:
    fields = {name: _innermost(inner) for name, inner in tree.items() if name != "_errors"}
    return fields or tree
