"""A form to an authorization server, and its answer in JSON: the one request that OAuth needs.

HTTPS, except to this host. No redirect is followed, since a form with a secret in it goes where the user's
configuration says and nowhere else. An answer has a limit in octets, and the whole exchange one in seconds,
however slowly the server speaks.
"""

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from ccc.errors import CccError, ConfigurationError, LinkError, TryLaterError
from ccc.transport.timed import Timed

if TYPE_CHECKING:
    from socket import socket

    from ccc.config.account import Account
    from ccc.transport.interrupts import Interrupts
    from ccc.transport.link import Socket
    from ccc.transport.server import Server

MOST = 1 << 16  # octets of an answer
SECONDS = 30.0  # for one request, from the look-up of the name to the last octet

_FORM = "application/x-www-form-urlencoded"  # RFC 6749, 4.1.3
_HTTPS, _HTTP = 443, 80


class Endpoint(NamedTuple):
    """Where a form goes."""

    url: str
    server: "Server"
    target: str  # path and query
    secure: bool


class Answer(NamedTuple):
    """What came back: the status, and the members of the JSON object, none if it was no such thing."""

    host: str
    status: int
    members: Mapping[str, object]

    def text(self, name: str) -> str:
        """A member that is a string, else ""."""
        value = self.members.get(name)
        return value if isinstance(value, str) else ""


def endpoint(account: "Account", key: str) -> Endpoint:
    """The place that `key` of an account names, such as token_url; ConfigurationError if it is unfit."""
    from urllib.parse import urlsplit

    from ccc.transport.server import Security, Server

    url = str(getattr(account.oauth, key))
    if not url:
        raise ConfigurationError(
            f"account {account.name} has no {key}, so ccc cannot fetch tokens for it",
            "name its provider, or write the URL as the provider gives it",
        )
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        parts, host, port = urlsplit(""), "", None
    clean = url.isascii() and url.isprintable() and not set(" #").intersection(url)  # RFC 6749, 3.1 and 3.2
    if not (clean and host) or "@" in parts.netloc or parts.scheme not in ("https", "http"):
        raise ConfigurationError(
            f"account {account.name}: {key} is no address of a web server",
            'write it as in "https://HOST/PATH"',
        )
    secure = parts.scheme == "https"
    server = Server(host, port or (_HTTPS if secure else _HTTP), security=Security.IMPLICIT)
    if not secure and not server.loopback:  # RFC 6749, 3.1 and 3.2: TLS
        raise ConfigurationError(
            f"account {account.name}: {key} is http://, so others on the way could read the tokens",
            "use https://",
        )
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Endpoint(url, server, target, secure)


class Reached(NamedTuple):
    """A connection to an endpoint, over which one form can go."""

    place: Endpoint
    socket: "Socket"
    deadline: float  # of time.monotonic()

    def ask(self, form: Mapping[str, str]) -> Answer:
        """Send the form; TryLaterError if there is no answer, or one that is too long or too slow."""
        from http.client import HTTPException

        try:
            status, octets = _exchange(self.socket, self.place, form, self.deadline)
        except LinkError as error:
            raise _unreachable(self.place, error.what) from error
        except (OSError, HTTPException, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "what it says is not HTTP"
            raise _unreachable(self.place, why or "the connection was lost") from None  # it may hold the form
        host = self.place.server.host
        if len(octets) > MOST:
            raise TryLaterError(
                f"{host} answered with more than {MOST >> 10} KiB", "check the URL in the account"
            )
        return Answer(host, status, _members(octets))


def post(place: Endpoint, form: Mapping[str, str], ca_file: str = "", *, seconds: float = SECONDS) -> Answer:
    """Send a form and hear the answer; TryLaterError if there is none."""
    return reach(place, ca_file, seconds=seconds).ask(form)


def reach(
    place: Endpoint, ca_file: str = "", *, seconds: float = SECONDS, interrupts: "Interrupts | None" = None
) -> Reached:
    """Connect to an endpoint; TryLaterError if that fails. All of it must be over after so many seconds."""
    deadline = time.monotonic() + seconds
    try:
        return Reached(place, _connect(place, ca_file, deadline, interrupts), deadline)
    except LinkError as error:
        raise _unreachable(place, error.what) from error


def _unreachable(place: Endpoint, why: str) -> CccError:
    return TryLaterError(
        f"no answer from the token server {place.server.name}: {why}", "check the network and its URL"
    )


def _members(octets: bytes) -> Mapping[str, object]:
    """The members of a JSON object (RFC 8259, 4)."""
    import json

    try:
        value = json.loads(octets.decode("utf-8"))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _connect(place: Endpoint, ca_file: str, deadline: float, interrupts: "Interrupts | None") -> "Socket":
    """A connection, under TLS if the URL says so: with the account's own issuers, else with the system's."""
    if not place.secure:
        return _dialled(place, deadline, interrupts)
    from ccc.transport.tls import UnknownIssuer, with_roots

    if ca_file:
        with suppress(UnknownIssuer):
            return _secured(place, ca_file, deadline, interrupts, every_root=False)
    return with_roots(lambda every: _secured(place, "", deadline, interrupts, every_root=every))


def _dialled(place: Endpoint, deadline: float, interrupts: "Interrupts | None") -> "socket":
    from ccc.transport.dial import Dial, look_up

    addresses = look_up(place.server.host, place.server.port)
    return Dial(addresses, max(deadline - time.monotonic(), 0), interrupts).connected()


def _secured(
    place: Endpoint, ca_file: str, deadline: float, interrupts: "Interrupts | None", *, every_root: bool
) -> "Socket":
    from ccc.transport.tls import Trust, put_tls_on

    plain, trust = _dialled(place, deadline, interrupts), Trust(ca_file or None)
    host = place.server.host
    return put_tls_on(plain, host, trust, deadline, every_root=every_root, interrupts=interrupts)[0]


def _exchange(
    socket: "Socket", place: Endpoint, form: Mapping[str, str], deadline: float
) -> tuple[int, bytes]:
    """Say the request, hear the answer: its status, and its body up to the limit and one octet more."""
    from http.client import HTTPConnection
    from urllib.parse import urlencode, urlsplit

    connection = HTTPConnection(place.server.host)
    connection.sock = Timed(socket, deadline)
    try:
        head = {"Host": urlsplit(place.url).netloc, "Content-Type": _FORM, "Accept": "application/json"}
        connection.request("POST", place.target, urlencode(form).encode(), {**head, "Connection": "close"})
        answer = connection.getresponse()
        return answer.status, answer.read(MOST + 1)
    finally:
        socket.close()
