"""Logging in to IMAP: AUTHENTICATE with the mechanisms that SMTP has too, or LOGIN.

No secret is in a transcript, and what a server says back of one is made stars before anybody sees it.
"""

from base64 import b64decode, b64encode
from typing import TYPE_CHECKING

from ccc.errors import CccError, LoginRefused, NotPermitted, TryLaterError
from ccc.imap.refusals import LATER, Refused
from ccc.imap.wire import ORDINARY
from ccc.imap.words import Literal, quoted
from ccc.smtp.echo import pattern_of
from ccc.smtp.login import MASK, Credentials, Exchange, Password, Token, remedy, sasl

if TYPE_CHECKING:
    from ccc.imap.client import Client

_PASSWORDS = ("SCRAM-SHA-256", "PLAIN")
_TOKENS = ("OAUTHBEARER", "XOAUTH2")


def log_in(client: "Client", credentials: Credentials, nonce: str) -> None:
    """Log in with the best way that the server offers.

    `nonce` is a fresh random printable string (RFC 5802, 5.1). LoginRefused if the server does not take the
    credentials, NotPermitted if there is no way, TryLaterError if it cannot check them now.
    """
    mechanism = choose(client.offered, credentials)
    said = sasl(mechanism, credentials, nonce)  # also says that what is not UTF-8 cannot be said
    client.wire.secret = pattern_of(credentials.user, credentials.secret)
    complaint: list[bytes] = []
    client.wire.challenged = mechanism != "LOGIN"
    try:
        if mechanism == "LOGIN":
            _plainly(client, credentials)
        else:
            _authenticate(client, mechanism, said, complaint)
    except Refused as refused:
        raise _refusal(credentials, refused, client.wire.masked(b" ".join(complaint))) from None
    finally:
        client.wire.challenged = False
    client.refresh()


def choose(offered: frozenset[str], credentials: Credentials) -> str:
    """The best way to log in that the server offers for these credentials."""
    known = _PASSWORDS if isinstance(credentials, Password) else _TOKENS
    for mechanism in known:
        if f"AUTH={mechanism}" in offered:
            return mechanism
    disabled = "LOGINDISABLED" in offered  # RFC 3501, 6.2.3
    if isinstance(credentials, Password) and not disabled:
        return "LOGIN"
    mechanisms = ", ".join(sorted(each[5:] for each in offered if each.startswith("AUTH=")))
    raise NotPermitted(
        f"cannot log in as {credentials.user}: the IMAP server offers {mechanisms or 'no login'}"
        f"{' and no LOGIN' if disabled else ''}, not {' or '.join(known)}",
        _other_way(offered, credentials),
    )


def _other_way(offered: frozenset[str], credentials: Credentials) -> str:
    """What to do where the server takes no such credentials."""
    if isinstance(credentials, Token):
        return 'it takes no tokens: leave auth = "oauth" and token_command out of the account'
    if any(f"AUTH={mechanism}" in offered for mechanism in _TOKENS):
        return 'it takes tokens: set auth = "oauth" in the account'
    return "use imaps://, or ask its administrator how programs log in"


def _authenticate(client: "Client", mechanism: str, said: Exchange, complaint: list[bytes]) -> None:
    """AUTHENTICATE (RFC 3501, 6.2.2), its first response in the command where that is offered (RFC 4959)."""
    client.begin(ORDINARY)
    tag = client.new_tag()
    command = f"AUTHENTICATE {mechanism}"
    if "SASL-IR" in client.offered:
        initial = b64encode(next(said)) or b"="  # RFC 4959, 3
        client.wire.send(b"%b %b %b\r\n" % (tag, command.encode(), initial), f"{command} {MASK}")
    else:
        client.wire.send(b"%b %b\r\n" % (tag, command.encode()))
        client.go_ahead(tag, "the login")
        client.wire.send(b64encode(next(said)) + b"\r\n", MASK)
    while (challenge := client.challenged(tag)) is not None:
        complaint[:] = [_decoded(challenge)]
        try:
            answer = said.send(complaint[0])
        except StopIteration:
            client.wire.broken("the IMAP server asks for more than its login mechanism has")
        client.wire.send(b64encode(answer) + b"\r\n", MASK)
    client.end(tag, "the login")
    _finish(said)


def _finish(said: Exchange) -> None:
    """Let a mechanism that still has something to check say no."""
    try:
        said.send(b"")
    except StopIteration:
        return


def _plainly(client: "Client", credentials: Credentials) -> None:
    """LOGIN (RFC 3501, 6.2.3)."""
    user, password = credentials.user.encode(), credentials.secret.encode()
    if b"\0" in user + password:
        raise NotPermitted("the user name or the password holds a NUL, which IMAP cannot say")
    words = (b"LOGIN ", _astring(user), b" ", _astring(password))
    client.run(words, shown=f"LOGIN {MASK} {MASK}")


def _astring(octets: bytes) -> bytes | Literal:
    """Octets as a quoted string, or as a literal where that cannot hold them (RFC 3501, 4.3)."""
    return quoted(octets) if all(0x20 <= octet < 0x7F for octet in octets) else Literal(octets)


def _decoded(challenge: bytes) -> bytes:
    """What a challenge says; as it stands if it is not base64."""
    try:
        return b64decode(challenge, validate=True)
    except ValueError:
        return challenge


def _refusal(credentials: Credentials, refused: Refused, complaint: bytes) -> CccError:
    """Why the login failed: for now, or because of who or what was given."""
    from ccc.smtp.refusals import cure_of_login

    token = isinstance(credentials, Token)
    said = f"{refused.text} {complaint.decode('utf-8', 'replace') if token else ''}".rstrip()
    if refused.code.name in LATER:
        return TryLaterError(
            f"the IMAP server cannot log {credentials.user} in now: {said}",
            cure_of_login(said, "try again later", token=token),
        )
    return LoginRefused(
        f"the IMAP server refused the login of {credentials.user}: {said}",
        cure_of_login(said, remedy(credentials), token=token),
    )
