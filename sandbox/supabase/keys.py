"""Supabase's API keys: JWTs signed with the project's secret (HS256, RFC 7519), and the opaque kind."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Literal

Role = Literal["anon", "authenticated", "service_role"]

_EXPIRES = 4102444800
"""2100-01-01; a Supabase key is good for ten years."""


def sign(role: Role, secret: str) -> str:
    """The JWT that lets its bearer act as `role`."""
    parts = [
        {"alg": "HS256", "typ": "JWT"},
        {"iss": "supabase", "ref": "sandbox", "role": role, "exp": _EXPIRES},
    ]
    unsigned = b".".join(_encoded(json.dumps(part, separators=(",", ":")).encode()) for part in parts)
    signature = hmac.new(secret.encode(), unsigned, hashlib.sha256).digest()
    return (unsigned + b"." + _encoded(signature)).decode()


def _encoded(value: bytes) -> bytes:
    return base64.urlsafe_b64encode(value).rstrip(b"=")
