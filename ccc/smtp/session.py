"""The opening of a session, up to the point where mail can be sent: greeting, EHLO, STARTTLS, AUTH."""

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from ccc.errors import CccError, LinkError, NotPermitted, ProtocolError, RefusedError, TryLaterError
from ccc.smtp import commands
from ccc.smtp.extensions import Extensions
from ccc.smtp.replies import Reply
from ccc.smtp.steps import Dialogue, Say, StartTLS, Wait, ask, hear

if TYPE_CHECKING:
    from ccc.smtp.login import Credentials


class StartTLSPolicy(Enum):
    """What is done about STARTTLS on a connection that began in clear."""

    REQUIRED = "required"
    OPPORTUNISTIC = "opportunistic"
    NEVER = "never"  # implicit TLS, or a local socket


class NoStartTLS(LinkError):
    """The server does not offer STARTTLS, and nothing may be said to it in clear."""


class Opening(NamedTuple):
    """How a session begins; `helo` is our domain or address literal (RFC 5321, 4.1.3)."""

    helo: str
    starttls: StartTLSPolicy
    credentials: "Credentials | None" = None
    nonce: str = ""
    lmtp: bool = False


def open_session(opening: Opening) -> Dialogue[Extensions]:
    """Greet, secure and log in; what the server offers after all that."""
    greeting = (yield from hear(Wait.GREETING)).reply
    if not greeting.accepted:  # RFC 5321, 3.1: 220, or 554 for no service
        raise _no_service("did not greet", greeting)
    server = yield from hello(opening)
    if opening.starttls is not StartTLSPolicy.NEVER:
        server = yield from _start_tls(server, opening)
    if opening.credentials is not None:
        from ccc.smtp.login import log_in

        yield from log_in(server, opening.credentials, opening.nonce)
    return server


def hello(opening: Opening) -> Dialogue[Extensions]:
    """EHLO, or HELO for a server that does not know it (RFC 5321, 3.2); LHLO in LMTP (RFC 2033, 4.1)."""
    verb = "LHLO" if opening.lmtp else "EHLO"
    reply = yield from ask(commands.hello(verb, opening.helo))
    if reply.accepted:
        return Extensions.of(reply)
    if reply.code in (500, 502, 504) and not opening.lmtp:  # RFC 5321, 4.1.4: command unknown
        reply = yield from ask(commands.hello("HELO", opening.helo))
        if reply.accepted:
            return Extensions()
    raise _no_service("refused our EHLO", reply)


def _start_tls(server: Extensions, opening: Opening) -> Dialogue[Extensions]:
    """STARTTLS, and a new EHLO: what was said in clear counts for nothing (RFC 3207, 4.2)."""
    required = opening.starttls is StartTLSPolicy.REQUIRED
    if server.starttls:
        reply = yield from ask(b"STARTTLS")
        if reply.accepted:
            yield StartTLS()
            return (yield from hello(opening))
        if required:
            raise _no_service("offered STARTTLS and then refused it", reply)
    elif required:
        raise NoStartTLS(
            "the server does not offer STARTTLS, so everything would go in clear",
            "use smtps:// (port 465), or ask its administrator: somebody may take the offer away on its way",
        )
    return server


def quit_session() -> Dialogue[None]:
    """Say goodbye; what the server answers changes nothing (RFC 5321, 4.1.1.10)."""
    yield Say(commands.QUIT)


def _no_service(what: str, reply: Reply) -> CccError:
    """Why no session came about."""
    said = f"the server {what}: {reply}"
    if reply.transient:
        return TryLaterError(said)
    if reply.go_ahead:
        return ProtocolError(said)
    if reply.code == 530:  # RFC 4954, 6; RFC 3207, 4
        return NotPermitted(said, "give a user name in the --smtp URL")
    return RefusedError(said, "ask the server's administrator, or use another server")
