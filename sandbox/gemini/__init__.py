"""A stand-in for the Gemini API: gRPC over TLS on loopback, with an account of what it billed."""

from sandbox.gemini.account import Call
from sandbox.gemini.authority import Authority
from sandbox.gemini.replies import Reply
from sandbox.gemini.standin import GeminiStandIn

__all__ = ["Authority", "Call", "GeminiStandIn", "Reply"]
