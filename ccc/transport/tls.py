"""TLS: which certificates are believed, and the handshake on a socket that never blocks.

Verification is on unless a route asks otherwise: the system's roots or a file given by the user, host name
checked, TLS 1.2 or later (RFC 8997). Reading the system's roots by hash takes a twentieth of the time that
parsing them all does; where that folder knows no issuer, the slow way has the last word. A mail host may also
be known by the TLSA records of its domain, and then by nothing else.
"""

import ssl
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from select import POLLIN, POLLOUT, poll
from socket import socket
from typing import TypeVar

from ccc.errors import ConfigurationError, LinkError
from ccc.transport.certificates import cure, names_in
from ccc.transport.interrupts import Interrupts
from ccc.transport.link import Socket
from ccc.transport.tlsa import END_ENTITY, TRUST_ANCHOR, Tlsa, names_one_of

_Done = TypeVar("_Done")

HASHED_ROOTS = Path("/etc/ssl/certs")
SMTP_PORTS = "check host and port: 465 is TLS from the start (smtps://), 587 begins in clear (smtp://)"
UNKNOWN_ISSUER = (19, 20)  # X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, …_UNABLE_TO_GET_ISSUER_CERT_LOCALLY


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom to believe: the issuers in `ca_file`, without one the system's; not `verify` asks for no proof.

    Where there are `tlsa` records, these count and no issuer does (RFC 7672, 3.1). What they know as an
    issuer proves something once it is one of the `anchors`, for a certificate that is for one of `names`.
    """

    ca_file: str | None = None
    verify: bool = True
    tlsa: tuple[Tlsa, ...] = ()
    names: tuple[str, ...] = ()
    anchors: tuple[bytes, ...] = ()  # certificates in DER

    @property
    def verdict(self) -> str:
        """How a certificate stands that came through."""
        if self.tlsa:
            return "certificate verified by DANE"
        return "certificate verified" if self.verify else "certificate not verified"


def context_for(trust: Trust, *, every_root: bool = False) -> ssl.SSLContext:
    """A client's context; `every_root` reads all of the system's roots at once."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # verifies, and checks the host name
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # RFC 8997, 3
    if trust.tlsa:
        _load_anchors(context, trust.anchors)
    elif not trust.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif trust.ca_file is not None:
        _load(context, trust.ca_file)
    elif every_root or not HASHED_ROOTS.is_dir():
        context.load_default_certs()
    else:
        context.load_verify_locations(capath=str(HASHED_ROOTS))
    return context


def _load(context: ssl.SSLContext, ca_file: str) -> None:
    """Believe the issuers in this file."""
    try:
        context.load_verify_locations(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"there is no certificate to be read in {ca_file}",
            "give --tls-ca-file a file of certificates in PEM form",
        ) from error


def _load_anchors(context: ssl.SSLContext, anchors: tuple[bytes, ...]) -> None:
    """Believe these, roots or not, and no other issuer; without any the records alone are to judge."""
    context.check_hostname = False  # it knows one name only
    if not anchors:
        context.verify_mode = ssl.CERT_NONE
        return
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    for anchor in anchors:
        context.load_verify_locations(cadata=anchor)


def with_roots(attempt: Callable[[bool], _Done]) -> _Done:
    """What an attempt gives: with the roots by hash, else with every root, which may lie elsewhere.

    It is told whether every root is to be read, and makes a connection of its own each time.
    """
    try:
        return attempt(False)
    except UnknownIssuer:
        return attempt(True)


def put_tls_on(
    plain: Socket,
    host: str,
    trust: Trust,
    deadline: float,
    *,
    every_root: bool = False,
    interrupts: Interrupts | None = None,
    ports: str = SMTP_PORTS,
) -> "tuple[TlsSocket, str]":
    """Do the handshake before the deadline (of time.monotonic()); the new socket, and how it is protected.

    `ports` is the cure where the other end does not speak TLS.
    """
    if not isinstance(plain, socket):
        raise TypeError("TLS is put on a plain socket, once")
    tls = TlsSocket(plain, context_for(trust, every_root=every_root), host, ports)
    waiting = poll()
    if interrupts is not None:
        waiting.register(interrupts.fileno(), POLLIN)
    try:
        while (event := tls.handshake()) is not None:
            waiting.register(tls.fileno(), event)
            _wait(waiting, host, deadline, interrupts)
        if trust.tlsa:
            tls.compare(trust)
    except BaseException:
        tls.close()
        raise
    tls.verdict = trust.verdict
    return tls, f"{tls.version}, {tls.verdict}"


def _wait(waiting: poll, host: str, deadline: float, interrupts: Interrupts | None) -> None:
    """Wait for one of the descriptors; LinkError at the deadline, Interrupted if a signal has come."""
    left = deadline - time.monotonic()
    ready = dict(waiting.poll(left * 1000)) if left > 0 else {}
    if not ready:
        raise LinkError(f"the TLS handshake with {host} took too long", "check that its port speaks TLS")
    if interrupts is not None and interrupts.fileno() in ready:
        interrupts.drain()
        raise interrupts.as_error()


class UnknownIssuer(LinkError):
    """The certificate's issuer is none of those that were read."""


class AnchorFound(LinkError):
    """The server showed issuers that its TLSA records know, its `anchors`.

    Whether they issued its certificate can only be seen on another connection, whose Trust has them.
    """

    def __init__(self, host: str, anchors: tuple[bytes, ...]) -> None:
        super().__init__(f"the issuers of the certificate of {host} are known now", "connect once more")
        self.anchors = anchors


class TlsSocket:
    """A socket under TLS that behaves as a plain one that does not block; `verdict` is on the certificate."""

    def __init__(self, plain: socket, context: ssl.SSLContext, host: str, ports: str = SMTP_PORTS) -> None:
        self.verdict = ""
        self._host = host
        self._ports = ports
        try:
            plain.getpeername()  # if the other end has gone already, wrap_socket() would forget to close it
            self._tls = context.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)
        except (OSError, ValueError) as error:  # the connection is gone already, or that is no host name
            raise self._failed(error) from error

    def handshake(self) -> int | None:
        """Go on with the handshake; what to poll for before it can go on, or None when it is done."""
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return POLLIN
        except ssl.SSLWantWriteError:
            return POLLOUT
        except ssl.SSLCertVerificationError as error:
            raise self._mistrusted(error) from error
        except (OSError, ValueError) as error:
            raise self._failed(error) from error
        return None

    def _failed(self, error: OSError | ValueError) -> LinkError:
        """No TLS came about."""
        return LinkError(
            f"the TLS handshake with {self._host} failed: {getattr(error, 'reason', None) or error}",
            self._ports,
        )

    def _mistrusted(self, error: ssl.SSLCertVerificationError) -> LinkError:
        """Why the certificate is not believed."""
        kind = UnknownIssuer if error.verify_code in UNKNOWN_ISSUER else LinkError
        return kind(
            f"the certificate of {self._host} cannot be trusted: {error.verify_message.rstrip('.')}",
            cure(error.verify_code, names_in(self._tls)),
        )

    @property
    def version(self) -> str:
        """The protocol version, such as TLSv1.3."""
        return self._tls.version() or "TLS"

    @property
    def cipher(self) -> str:
        """The cipher suite, such as TLS_AES_256_GCM_SHA384."""
        agreed = self._tls.cipher()
        return agreed[0] if agreed else ""

    @property
    def certificate(self) -> bytes:
        """The server's certificate in DER, believed or not."""
        return self._tls.getpeercert(binary_form=True) or b""

    @property
    def chain(self) -> tuple[bytes, ...]:
        """All certificates that the server showed, in DER; its own alone before Python 3.13."""
        if sys.version_info >= (3, 13):
            return tuple(self._tls.get_unverified_chain())
        return (self.certificate,)

    def compare(self, trust: Trust) -> None:
        """Raise LinkError unless a TLSA record knows the server (RFC 7672, 3.1): AnchorFound if one may."""
        leaf = self.certificate
        # RFC 7672, 3.1.1: neither its names nor the dates in it count
        if any(each.usage == END_ENTITY and each.matches(leaf) for each in trust.tlsa):
            return
        if trust.anchors:  # the handshake has shown that it was issued by one of these
            if names_one_of(self._tls.getpeercert() or {}, trust.names):  # RFC 7672, 3.2.2
                return
            raise LinkError(
                f"the certificate of {self._host} is for another host, though a TLSA record knows its issuer",
                "tell the domain's administrator",
            )
        issuers = [each for each in trust.tlsa if each.usage == TRUST_ANCHOR]
        chain = self.chain if issuers else ()
        if found := tuple(shown for shown in chain if any(each.matches(shown) for each in issuers)):
            raise AnchorFound(self._host, found)
        raise LinkError(
            f"the certificate of {self._host} is none of those in its TLSA records",
            "tell the domain's administrator; until that is mended, nothing is sent there",
        )

    @property
    def expires(self) -> float | None:
        """When the server's certificate ends, in Unix time; None where it was not verified."""
        end = (self._tls.getpeercert() or {}).get("notAfter")
        return ssl.cert_time_to_seconds(end) if isinstance(end, str) else None

    def fileno(self) -> int:
        """The descriptor to poll."""
        return self._tls.fileno()

    def recv(self, size: int) -> bytes:
        """All octets that are there, at least one; b"" at the end; BlockingIOError if there are none yet."""
        try:
            octets = self._tls.recv(size)
            while octets and self._tls.pending():
                octets += self._tls.recv(size)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as error:
            raise BlockingIOError from error
        except ssl.SSLError as error:
            raise ConnectionAbortedError(f"TLS: {error.reason or error}") from error
        return octets

    def send(self, octets: memoryview) -> int:
        """Hand over some octets; BlockingIOError if none can be taken now."""
        try:
            return self._tls.send(octets)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as error:
            raise BlockingIOError from error
        except ssl.SSLError as error:
            raise ConnectionAbortedError(f"TLS: {error.reason or error}") from error

    def close(self) -> None:
        """Close the connection."""
        self._tls.close()
