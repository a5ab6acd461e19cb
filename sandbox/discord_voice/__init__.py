"""Discord's voice server on loopback: the gateway, version 8 over TLS, and UDP that counts the sound."""

from sandbox.discord_voice.authority import kept_authority
from sandbox.discord_voice.codes import CloseCode, Op
from sandbox.discord_voice.server import VoiceServer
from sandbox.discord_voice.sound import Sound

__all__ = ["CloseCode", "Op", "Sound", "VoiceServer", "kept_authority"]
