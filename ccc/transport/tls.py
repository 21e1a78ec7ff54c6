"""TLS: which certificates are believed, and the handshake on a socket that never blocks.

Verification is on unless a route asks otherwise: the system's roots or a file given by the user, host name
checked, TLS 1.2 or later (RFC 8997). Reading the system's roots by hash takes a twentieth of the time that
parsing them all does; where that folder knows no issuer, the slow way has the last word.
"""

import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from select import POLLIN, POLLOUT, poll
from socket import socket

from ccc.errors import ConfigurationError, LinkError
from ccc.transport.interrupts import Interrupts
from ccc.transport.link import Socket

HASHED_ROOTS = Path("/etc/ssl/certs")
UNKNOWN_ISSUER = (19, 20)  # X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, …_UNABLE_TO_GET_ISSUER_CERT_LOCALLY


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom to believe: the issuers in `ca_file`, without one the system's; not `verify` asks for no proof."""

    ca_file: str | None = None
    verify: bool = True


def context_for(trust: Trust, *, every_root: bool = False) -> ssl.SSLContext:
    """A client's context; `every_root` reads all of the system's roots at once."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # verifies, and checks the host name
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # RFC 8997, 3
    if not trust.verify:
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


def put_tls_on(
    plain: Socket,
    host: str,
    trust: Trust,
    deadline: float,
    *,
    every_root: bool = False,
    interrupts: Interrupts | None = None,
) -> "tuple[TlsSocket, str]":
    """Do the handshake before the deadline (of time.monotonic()); the new socket, and how it is protected."""
    if not isinstance(plain, socket):
        raise TypeError("TLS is put on a plain socket, once")
    tls = TlsSocket(plain, context_for(trust, every_root=every_root), host)
    waiting = poll()
    if interrupts is not None:
        waiting.register(interrupts.fileno(), POLLIN)
    try:
        while (event := tls.handshake()) is not None:
            waiting.register(tls.fileno(), event)
            _wait(waiting, host, deadline, interrupts)
    except BaseException:
        tls.close()
        raise
    verified = "certificate verified" if trust.verify else "certificate not verified"
    return tls, f"{tls.version}, {verified}"


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


class TlsSocket:
    """A socket under TLS that behaves as a plain socket that does not block."""

    def __init__(self, plain: socket, context: ssl.SSLContext, host: str) -> None:
        self._host = host
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
            "check host and port: 465 is TLS from the start (smtps://), 587 begins in clear (smtp://)",
        )

    def _mistrusted(self, error: ssl.SSLCertVerificationError) -> LinkError:
        """Why the certificate is not believed."""
        kind = UnknownIssuer if error.verify_code in UNKNOWN_ISSUER else LinkError
        return kind(
            f"the certificate of {self._host} cannot be trusted: {error.verify_message}",
            "check the host name and its certificate; a private issuer's certificate goes into --tls-ca-file",
        )

    @property
    def version(self) -> str:
        """The protocol version, such as TLSv1.3."""
        return self._tls.version() or "TLS"

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
