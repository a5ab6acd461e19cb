"""XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03), of which the cryptography package has only the inner half."""

from __future__ import annotations

import struct

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20

_CONSTANTS = struct.unpack("<4I", b"expand 32-byte k")


def opened(key: bytes, nonce: bytes, sealed: bytes, clear: bytes) -> bytes:
    """What was sealed with a nonce of 24 bytes. Raises InvalidTag."""
    return ChaCha20Poly1305(_hchacha20(key, nonce[:16])).decrypt(bytes(4) + nonce[16:], sealed, clear)


def _hchacha20(key: bytes, nonce: bytes) -> bytes:
    """The key for the rest of a long nonce: ChaCha20's block without its last step, which adds what it began with."""
    block = struct.unpack("<16I", Cipher(ChaCha20(key, nonce), mode=None).encryptor().update(bytes(64)))
    added = _CONSTANTS + struct.unpack("<4I", nonce)
    return struct.pack("<8I", *((word - a) & 0xFFFFFFFF for word, a in zip(block[:4] + block[12:], added, strict=True)))
