"""Certificates for servers on loopback: one authority for a test session, made by trustme.

A client trusts `ca_file`; a server gets `server_context()` or, if it reads files, `chain_file` and
`key_file`. `server_context("elsewhere.test")` gives a certificate for another name.
"""

import ssl
from pathlib import Path

import trustme

LOCALHOST = ("localhost", "127.0.0.1", "::1")


class Authority:
    """A certificate authority with its files in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._authority = trustme.CA()
        certificate = self._authority.issue_cert(*LOCALHOST)
        self.ca_file = folder / "ca.pem"
        self.chain_file = folder / "chain.pem"
        self.key_file = folder / "key.pem"
        self._authority.cert_pem.write_to_path(str(self.ca_file))
        self.chain_file.write_bytes(b"".join(p.bytes() for p in certificate.cert_chain_pems))
        certificate.private_key_pem.write_to_path(str(self.key_file))
        self.key_file.chmod(0o600)

    def server_context(self, *names: str) -> ssl.SSLContext:
        """A context for a server that is called `names` (localhost if none is given)."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(*(names or LOCALHOST)).configure_cert(context)
        return context

    def files(self, folder: Path, *names: str) -> tuple[Path, Path]:
        """A certificate with its chain, and its key, in files for a server that is called `names`."""
        issued = self._authority.issue_cert(*names)
        chain, key = folder / f"{names[0]}.pem", folder / f"{names[0]}.key"
        chain.write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(str(key))
        key.chmod(0o600)
        return chain, key

    def client_context(self) -> ssl.SSLContext:
        """A context for a client that trusts this authority and nobody else."""
        return ssl.create_default_context(cafile=str(self.ca_file))

    def rsa_key(self) -> bytes:
        """An RSA key as DKIM wants one, in PEM."""
        issued = self._authority.issue_cert("dkim.test", key_type=trustme.KeyType.RSA)
        return issued.private_key_pem.bytes()
