"""Keys as they may be shown: by their kind and last four characters, never whole."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any, Literal, cast

SupabaseRole = Literal["service_role", "anon", "other"]

_SHORTEST = 8
"""Of a shorter secret, four characters would be half or more."""


@dataclass(frozen=True, slots=True)
class SupabaseKey:
    """What a Supabase key says of itself; nothing of it is verified (supabase.com/docs/guides/api/api-keys)."""

    kind: str
    """As Supabase names it, or `?`."""
    role: SupabaseRole
    expires: float | None = None
    """Unix seconds; None where it tells none."""
    project: str | None = None
    """The project's reference; None where it tells none."""


def ending(secret: str) -> str:
    """The last four characters of a secret."""
    return f"…{secret[-4:]}" if len(secret) >= _SHORTEST else "…"


def supabase_key(key: str) -> SupabaseKey:
    """The kind of key by its prefix, or by the claims of its JWT."""
    if key.startswith("sb_secret_"):
        return SupabaseKey("sb_secret_", "service_role")
    if key.startswith("sb_publishable_"):
        return SupabaseKey("sb_publishable_", "anon")
    claims = _claims(key)
    role, expires, project = claims.get("role"), claims.get("exp"), claims.get("ref")
    return SupabaseKey(
        role if isinstance(role, str) and role.isprintable() else "?",
        role if role in ("service_role", "anon") else "other",
        float(expires) if isinstance(expires, int | float) else None,
        project if isinstance(project, str) else None,
    )


def _claims(token: str) -> dict[str, Any]:
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return {}
    return cast(dict[str, Any], claims) if isinstance(claims, dict) else {}
