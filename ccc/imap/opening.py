"""Opening a session: connect, make it private, log in.

TLS is required and verified, as for sending; only on this host is it merely used if it is offered. What a
server says before TLS counts for nothing, and one that says that no login is needed before TLS is refused.
"""

from os import urandom
from typing import TYPE_CHECKING, NamedTuple

from ccc.errors import CccError, ConfigurationError, LinkError
from ccc.imap.wire import Wire
from ccc.transport.dial import Dial, look_up, shown
from ccc.transport.interrupts import Interrupts
from ccc.transport.link import Secure, Socket
from ccc.transport.server import Security, Server
from ccc.transport.transcript import Transcript

if TYPE_CHECKING:
    from ccc.imap.client import Client
    from ccc.smtp.login import Credentials

PORTS = "check host and port: 993 is TLS from the start (imaps://), 143 begins in clear (imap://)"
CONNECT = 30.0  # seconds for a connection, at most


class Manner(NamedTuple):
    """How a server is spoken to: `timeout` in seconds for an answer, `max_size` in octets of a message."""

    ca_file: str | None = None
    timeout: float = 60.0
    max_size: int = 150 << 20
    transcript: Transcript | None = None
    interrupts: Interrupts | None = None


def open_client(server: Server, credentials: "Credentials | None", manner: Manner) -> "Client":
    """A connection that is logged in. LinkError, NotPermitted, TryLaterError, ConfigurationError."""
    if server.security is not Security.OPPORTUNISTIC and manner.ca_file is None:
        from ccc.transport.tls import with_roots

        return with_roots(lambda every: _open(server, credentials, manner, every_root=every))
    return _open(server, credentials, manner, every_root=True)


def _open(server: Server, credentials: "Credentials | None", manner: Manner, *, every_root: bool) -> "Client":
    wire = _connect(server, manner)
    secure = _secure(server, manner, every_root=every_root)
    try:
        if server.security is Security.IMPLICIT:
            wire.secure(secure)
        client = _greeted(wire, server, secure)
        _enter(client, server, credentials)
    except BaseException:
        wire.close()
        raise
    return client


def _enter(client: "Client", server: Server, credentials: "Credentials | None") -> None:
    """Log in, unless neither side wants it."""
    if client.preauthenticated and credentials is not None:
        raise ConfigurationError(
            f"the IMAP server {server.name} says that no login is needed, and not who you are",
            "leave the user name out of the imap URL if that is as it should be",
        )
    if credentials is not None:
        from ccc.imap.login import log_in

        log_in(client, credentials, urandom(18).hex())
    elif not client.preauthenticated and server.user:  # nothing else keeps us from looking for a password
        raise ConfigurationError(
            f"the IMAP server {server.name} wants a login of {server.user}, and the account has none",
            'take auth = "none" out of the account',
        )
    elif not client.preauthenticated:
        raise ConfigurationError(
            f"the IMAP server {server.name} wants a login, and there is no user name",
            "write it into the URL: imaps://USER@HOST",
        )


def _connect(server: Server, manner: Manner) -> Wire:
    addresses = look_up(server.host, server.port)
    socket = Dial(addresses, min(CONNECT, manner.timeout), manner.interrupts).connected()
    if manner.transcript:
        manner.transcript.note(f"connected to {server.host} {shown(socket.getpeername())}")
    return Wire(socket, manner.timeout, transcript=manner.transcript, interrupts=manner.interrupts)


def _greeted(wire: Wire, server: Server, secure: Secure) -> "Client":
    """The client after the greeting, in private if that can be or must be."""
    from ccc.imap.client import Client
    from ccc.imap.refusals import Refused

    client = Client(wire)
    required = server.security is Security.STARTTLS
    if client.preauthenticated and required:  # there is no STARTTLS after a login (RFC 3501, 6.2.1)
        raise _insecure("the IMAP server says before TLS that no login is needed")
    if server.security is Security.IMPLICIT or client.preauthenticated:
        return client
    if "STARTTLS" not in client.offered:
        if required:
            raise _insecure("the IMAP server does not offer STARTTLS, so everything would go in clear")
        return client
    try:
        client.start_tls(secure)
    except Refused as refused:
        if required:
            raise _insecure(f"the IMAP server offers STARTTLS and refuses it: {refused.text}") from None
    return client


def _insecure(what: str) -> CccError:
    return LinkError(
        what, "use imaps:// (port 993), or ask its administrator: somebody may be between you and the server"
    )


def _secure(server: Server, manner: Manner, *, every_root: bool) -> Secure:
    """Puts TLS on the connection when its time comes, as this server asks for it."""

    def secure(plain: Socket, deadline: float) -> tuple[Socket, str]:
        from ccc.transport.tls import Trust, put_tls_on

        # Unverified is better than clear where nothing was promised (RFC 7435), and never where it was.
        trust = Trust(manner.ca_file, server.security is not Security.OPPORTUNISTIC)
        return put_tls_on(
            plain,
            server.host,
            trust,
            deadline,
            every_root=every_root,
            interrupts=manner.interrupts,
            ports=PORTS,
        )

    return secure
