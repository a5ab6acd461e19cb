"""The voice server's certificate authority, kept in a folder so that a Java that runs already trusts it."""

from __future__ import annotations

from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption
from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12Certificate, serialize_java_truststore
from cryptography.x509 import load_pem_x509_certificate

CERTIFICATE = "voice-ca.pem"
TRUST_STORE = "voice-trust.p12"
TRUST_STORE_PASSWORD = "sandbox"


def kept_authority(folder: Path) -> trustme.CA:
    """The authority of this folder, made at first use, with a trust store for Java beside it."""
    certificate, key = folder / CERTIFICATE, folder / "voice-ca.key"
    if certificate.exists() and key.exists():
        return trustme.CA.from_pem(certificate.read_bytes(), key.read_bytes())
    folder.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(certificate))
    key.touch(mode=0o600)
    authority.private_key_pem.write_to_path(str(key))
    trusted = PKCS12Certificate(load_pem_x509_certificate(certificate.read_bytes()), b"sandbox voice")
    store = serialize_java_truststore([trusted], BestAvailableEncryption(TRUST_STORE_PASSWORD.encode()))
    (folder / TRUST_STORE).write_bytes(store)
    return authority
