"""Certificates of every kind, records for them, and the handshake that a demand makes."""

import datetime as dt
import hashlib
import socket
import ssl
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ccc.errors import LinkError
from ccc.routes.mx.demand import Demand
from ccc.transport.tls import AnchorFound
from ccc.transport.tlsa import Tlsa, public_key
from tests.lab.sink import Sink

NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)


class Made(NamedTuple):
    """A certificate, its key, and those above it."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    above: tuple[x509.Certificate, ...] = ()

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    def tlsa(self, usage=3, selector=1, matching=1) -> Tlsa:
        """A record for it."""
        part = self.der if selector == 0 else public_key(self.der) or b""
        digest = {0: lambda: part, 1: hashlib.sha256(part).digest, 2: hashlib.sha512(part).digest}
        return Tlsa(usage, selector, matching, digest[matching]())

    def server(self) -> ssl.SSLContext:
        """A server that shows it, and those above it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        pem = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        pem += b"".join(each.public_bytes(Encoding.PEM) for each in (self.certificate, *self.above))
        with tempfile.NamedTemporaryFile() as file:
            Path(file.name).write_bytes(pem)
            context.load_cert_chain(file.name)
        return context


def make(*names: str, by: Made | None = None, issues: bool = False, ended: bool = False) -> Made:
    """A certificate for these names, by itself or by an issuer; its serial number is its own."""
    key = ec.generate_private_key(ec.SECP256R1())
    called = x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, names[0] if names else "x")])
    issuer = by.certificate.subject if by else called
    end = NOW - DAY if ended else NOW + DAY
    number = x509.random_serial_number()
    builder = x509.CertificateBuilder(issuer, called, key.public_key(), number, NOW - 9 * DAY, end)
    if issues:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    elif names:
        alternative = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        builder = builder.add_extension(alternative, critical=False)
    made = builder.sign(by.key if by else key, hashes.SHA256())
    return Made(made, key, (by.certificate, *by.above) if by else ())


def zone(name: str, *records: Tlsa) -> str:
    """The lines that publish these records."""
    head = f"{name} 60 IN TLSA"
    return "\n".join(
        f"{head} {each.usage} {each.selector} {each.matching} {each.data.hex()}" for each in records
    )


def shake(demand: Demand, server: ssl.SSLContext) -> str:
    """How a connection to this server is protected; LinkError says why there is none."""
    names: list[str | None] = []
    server.sni_callback = lambda _socket, name, _context: names.append(name)
    with Sink(tls=server, implicit=True) as sink:
        try:
            how = _once(demand, sink.port)
        except AnchorFound as found:
            how = _once(demand.anchored(found.anchors), sink.port)
    assert set(names) <= {demand.name, None}
    return how


def _once(demand: Demand, port: int) -> str:
    plain = socket.create_connection(("127.0.0.1", port))
    plain.setblocking(False)
    try:
        tls, how = demand.secure()(plain, time.monotonic() + 5)
    except LinkError:
        plain.close()
        raise
    tls.close()
    return how
