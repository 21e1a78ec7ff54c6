"""Logging in: AUTH (RFC 4954) with PLAIN, LOGIN, SCRAM-SHA-256, OAUTHBEARER and XOAUTH2.

A mechanism is a generator: it yields what the client says and is sent the server's challenges, all
without base64. No secret appears in a repr, and the transcript gets stars instead of every octet that
follows the mechanism's name.
"""

from base64 import b64decode, b64encode
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from ccc.errors import LoginRefused, NotPermitted, ProtocolError, TryLaterError
from ccc.smtp.echo import pattern_of
from ccc.smtp.extensions import Extensions
from ccc.smtp.replies import STARS, Reply
from ccc.smtp.scram import scram_sha_256
from ccc.smtp.steps import Dialogue, Wait, ask

Exchange: TypeAlias = Generator[bytes, bytes, None]
MASK = STARS.decode()
LONGEST = 510  # octets of a command before its CRLF, AUTH too (RFC 5321, 4.5.3.1.4; RFC 4954, 4)
_CHECK_PASSWORD = "check the user name and the password; many providers want an app password for programs"  # noqa: S105
_NEW_TOKEN = "get a new token, with `ccc account login` where ccc keeps it, and check the user name"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Password:
    """A user name and a password."""

    user: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Token:
    """A user name and an OAuth 2.0 access token (RFC 6750)."""

    user: str
    secret: str = field(repr=False)
    expires: float | None = None  # Unix time; None: nobody here knows


Credentials: TypeAlias = Password | Token


class Keys(Protocol):
    """Where the credentials for a server come from: asked each time when a session begins."""

    def credentials(self) -> Credentials:
        """What to log in with now; NotPermitted or TryLaterError if there is nothing."""

    def renewed(self) -> Credentials | None:
        """Others, after the server has refused those or they have expired; None if there can be none."""


@dataclass(frozen=True, slots=True)
class Held:
    """The same credentials for every session."""

    held: Credentials

    def credentials(self) -> Credentials:
        """What is held."""
        return self.held

    def renewed(self) -> Credentials | None:
        """None: there are no others."""
        return None


def log_in(server: Extensions, credentials: Credentials, nonce: str) -> Dialogue[None]:
    """Log in with the best mechanism that the server offers.

    `nonce` is a fresh random printable string (RFC 5802, 5.1). LoginRefused if the server refuses the login,
    NotPermitted if it offers no mechanism for such credentials, TryLaterError if it cannot check them now.
    """
    mechanism = choose(server, credentials)
    exchange = sasl(mechanism, credentials, nonce)
    command, secret = f"AUTH {mechanism}", pattern_of(credentials.user, credentials.secret)
    said = next(exchange)
    whole = f"{command} ".encode() + (b64encode(said) or b"=")  # RFC 4954, 4
    # LOGIN's user name answers a challenge; many servers take no initial response of it.
    if mechanism == "LOGIN" or len(whole) > LONGEST:
        reply = yield from ask(command.encode(), hides=secret)
        reply = (yield from _answer(said)) if reply.code == 334 else reply
    else:
        reply = yield from ask(whole, shown=f"{command} {MASK}", hides=secret)
    complaint = b""
    while reply.code == 334:  # RFC 4954, 4: a challenge
        complaint = _decoded(reply)
        reply = yield from _answer(_respond(exchange, complaint))
    if not reply.accepted:
        raise _refusal(credentials, reply, secret.sub(STARS, complaint))
    _finish(exchange)


def choose(server: Extensions, credentials: Credentials) -> str:
    """The best mechanism that the server offers for these credentials."""
    known = (
        ("SCRAM-SHA-256", "PLAIN", "LOGIN")
        if isinstance(credentials, Password)
        else ("OAUTHBEARER", "XOAUTH2")
    )
    for mechanism in known:
        if mechanism in server.mechanisms:
            return mechanism
    if not server.mechanisms:
        raise NotPermitted(
            f"cannot log in as {credentials.user}: the server offers no login",
            "use smtps://, or leave the user name out of the --smtp URL if it needs none",
        )
    raise NotPermitted(
        f"cannot log in as {credentials.user}: the server offers {', '.join(server.mechanisms)}, "
        f"not {' or '.join(known)}",
        "use another server, or leave the user name out of the --smtp URL if this one needs no login",
    )


def sasl(mechanism: str, credentials: Credentials, nonce: str) -> Exchange:
    """What the client says in this mechanism; NotPermitted for what cannot be said in UTF-8."""
    user, secret = credentials.user, credentials.secret
    try:
        (user + secret).encode()
    except UnicodeEncodeError:
        raise NotPermitted(
            "the user name or the password is not UTF-8 (RFC 4616, 2)", "store it in UTF-8"
        ) from None
    match mechanism:
        case "SCRAM-SHA-256":
            return scram_sha_256(user, secret, nonce)
        case "PLAIN":
            return _plain(user, secret)
        case "LOGIN":
            return _login(user, secret)
        case "OAUTHBEARER":
            return _bearer(user, secret)
        case _:
            return _xoauth2(user, secret)


def _plain(user: str, password: str) -> Exchange:
    """PLAIN: everything at once (RFC 4616, 2)."""
    if "\0" in user + password:
        raise NotPermitted("the user name or the password holds a NUL, which ends it in a PLAIN login")
    yield f"\0{user}\0{password}".encode()


def _login(user: str, password: str) -> Exchange:
    """LOGIN: the name, then the password; never standardized, everywhere understood."""
    yield user.encode()
    yield password.encode()


def _bearer(user: str, token: str) -> Exchange:
    """OAUTHBEARER; an error is told in a challenge, which is answered with one octet (RFC 7628, 3)."""
    _check_token(user, token)
    name = user.replace("=", "=3D").replace(",", "=2C")  # RFC 5801, 4
    yield f"n,a={name},\x01auth=Bearer {token}\x01\x01".encode()
    yield b"\x01"


def _xoauth2(user: str, token: str) -> Exchange:
    """XOAUTH2, Google's and Microsoft's forerunner of OAUTHBEARER; an error is answered with nothing."""
    _check_token(user, token)
    yield f"user={user}\x01auth=Bearer {token}\x01\x01".encode()
    yield b""


def _check_token(user: str, token: str) -> None:
    """Raise NotPermitted for what would end one part of the response and begin another (RFC 7628, 3.1)."""
    if not (user + token).isprintable():
        raise NotPermitted("the user name or the token holds a control character", "get a new token")


def _answer(response: bytes) -> Dialogue[Reply]:
    """Say one response to a challenge."""
    return (yield from ask(b64encode(response), Wait.COMMAND, MASK))


def _respond(exchange: Exchange, challenge: bytes) -> bytes:
    """The client's next words."""
    try:
        return exchange.send(challenge)
    except StopIteration:
        raise ProtocolError("the server asks for more than its login mechanism has") from None


def _finish(exchange: Exchange) -> None:
    """Let a mechanism that still has something to check say no."""
    try:
        exchange.send(b"")
    except StopIteration:
        return


def _decoded(reply: Reply) -> bytes:
    """The challenge in a 334 reply; as it stands if it is not base64, which only LOGIN servers dare."""
    challenge = reply.lines[0] if reply.lines else b""
    try:
        return b64decode(challenge, validate=True)
    except ValueError:
        return challenge


def _refusal(credentials: Credentials, reply: Reply, complaint: bytes) -> NotPermitted | TryLaterError:
    """Why the login failed: for now (RFC 4954, 6: 454) or because of who or what was given."""
    from ccc.smtp.refusals import cure

    token = isinstance(credentials, Token)
    said = f"{reply} {complaint.decode('utf-8', 'replace') if token else ''}".rstrip()
    if reply.transient:
        return TryLaterError(
            f"the server cannot log {credentials.user} in now: {said}", cure(reply, token=token)
        )
    return LoginRefused(
        f"the server refused the login of {credentials.user}: {said}",
        cure(reply, remedy(credentials), token=token),
    )


def remedy(credentials: Credentials) -> str:
    """What to do about such credentials that a server refused, where it does not say why."""
    return _NEW_TOKEN if isinstance(credentials, Token) else _CHECK_PASSWORD
