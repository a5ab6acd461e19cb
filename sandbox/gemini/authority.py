"""The certificate authority that only the stand-in's clients trust."""

from __future__ import annotations

from pathlib import Path

import grpc
import trustme


class Authority:
    """One certificate authority; its root is what `GRPC_DEFAULT_SSL_ROOTS_FILE_PATH` is set to.

    gRPC reads that file once a process, before the first channel: the stand-ins of one process share one.
    As it is the only root then, a stray call to the real API fails at the handshake.
    """

    def __init__(self, folder: Path) -> None:
        self._authority = trustme.CA()
        self.roots_file = folder / "gemini-roots.pem"
        self._authority.cert_pem.write_to_path(str(self.roots_file))

    def server_credentials(self) -> grpc.ServerCredentials:
        """Credentials of a server called `localhost`."""
        leaf = self._authority.issue_cert("localhost", "127.0.0.1")
        chain = b"".join(blob.bytes() for blob in leaf.cert_chain_pems)
        return grpc.ssl_server_credentials([(leaf.private_key_pem.bytes(), chain)])
