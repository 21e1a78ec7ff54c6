"""The server that a URL names: smtps://USER@HOST, smtp://USER@HOST:587, imaps://USER@HOST, imap://USER@HOST.

The schemes ending in s are TLS from the start, the others begin in clear and go on with STARTTLS.
"""

import re
from enum import Enum
from typing import NamedTuple

from ccc.address.domain import a_labels
from ccc.errors import UsageError
from ccc.visible import harmful

_URL = re.compile(
    r"(?P<scheme>smtps?|imaps?)://(?:(?P<user>.+)@)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^\[\]@:/?#\s]+)(?::(?P<port>\d{1,5}))?/?"
)
_PORTS = {"smtps": 465, "smtp": 587, "imaps": 993, "imap": 143}  # RFC 8314, 3.2 and 3.3; RFC 6409, 3.1
_PORT = re.compile(r"\d{1,5}", re.ASCII)
_LOOPBACK = re.compile(r"localhost|127(?:\.\d{1,3}){3}|::1", re.ASCII | re.IGNORECASE)


class Security(Enum):
    """How a connection is kept from others."""

    IMPLICIT = "TLS from the start"  # RFC 8314, 3.3
    STARTTLS = "STARTTLS required"  # RFC 3207
    OPPORTUNISTIC = "STARTTLS if offered, unverified"  # RFC 7435
    NONE = "none"  # a socket in the file system, or LMTP on this host


class Server(NamedTuple):
    """Where a server is and how it is spoken to; `path` is a socket in the file system."""

    host: str = ""
    port: int = 0
    path: str = ""
    security: Security = Security.STARTTLS
    user: str = ""
    lmtp: bool = False

    @property
    def name(self) -> str:
        """The server for eyes, without the user."""
        return self.path or f"{self.host}:{self.port}"

    @property
    def loopback(self) -> bool:
        """Nothing that is said to it leaves this host."""
        return bool(self.path) or _LOOPBACK.fullmatch(self.host) is not None


def from_url(url: str, *, opportunistic: bool | None = None, option: str = "--smtp") -> Server:
    """The submission server of a URL; UsageError if it is none, which names the `option` that gave it.

    TLS is required, except that on this host, or where `opportunistic` is asked for, it is used if it is
    offered; a login is never made over such a connection to another host. False asks for it on this host too.
    """
    return _server(url, "smtp", opportunistic, option)


def unproven(ca_file: str | None) -> bool | None:
    """`opportunistic` for a URL beside this file: issuers that are named are there to verify with."""
    return False if ca_file else None


def imap_from_url(url: str, *, opportunistic: bool | None = None, option: str = "imap") -> Server:
    """The IMAP server of a URL, by the same rules."""
    return _server(url, "imap", opportunistic, option)


def _server(url: str, plain: str, opportunistic: bool | None, option: str) -> Server:
    match = _URL.fullmatch(url)
    if match is None or match["scheme"].removesuffix("s") != plain:
        raise _malformed(url, plain, option)
    scheme, user = match["scheme"], _user(match["user"] or "", option)
    port = int(match["port"] or _PORTS[scheme])
    if not 0 < port < 65536:
        raise _malformed(url, plain, option)
    server = Server(_host(match["host"], option), port, security=Security.IMPLICIT, user=user)
    if scheme != plain:
        if opportunistic:
            raise UsageError(
                f"--tls opportunistic: {scheme}:// is TLS from the start",
                f"write {plain}://, or leave it out",
            )
        return server
    if opportunistic and user and not server.loopback:
        raise UsageError("--tls opportunistic: a login needs a connection that is verified", "leave it out")
    loose = server.loopback if opportunistic is None else opportunistic
    security = Security.OPPORTUNISTIC if loose else Security.STARTTLS
    return Server(server.host, port, security=security, user=user)


def without_user(place: str) -> str:
    """A place for eyes: what stands before its last "@" may hold a password."""
    _, at, host = place.rpartition("@")
    return f"…@{host}" if at else place


def _user(text: str, option: str) -> str:
    """The user name, its percent-encoding undone (RFC 3986, 2.1)."""
    user = text
    if "%" in text:
        from urllib.parse import unquote

        user = unquote(text, errors="surrogateescape")
    if ":" in user:
        raise UsageError(
            f"{option}: a password in a URL can be read by everyone on this host",
            "leave it out and use --password-command or --password-fd",
        )
    if any(map(harmful, user)):  # RFC 4616, 2: UTF-8 and no NUL
        raise UsageError(
            f"{option}: the user name holds control characters, or is not UTF-8",
            "write it as the provider does",
        )
    return user


def _host(text: str, option: str) -> str:
    """The host in ASCII: A-labels (RFC 5890, 2.3.2.1), or an address without its brackets."""
    if text.isascii():
        return text.strip("[]")
    try:
        return a_labels(text)
    except ValueError as error:
        raise UsageError(f"{option}: {text} is no host name: {error}", "check its spelling") from error


def lmtp_from(place: str) -> Server:
    """The LMTP server at HOST:PORT or PATH (RFC 2033); UsageError if it is neither."""
    if "/" in place and not place.startswith("//"):
        return Server(path=place, security=Security.NONE, lmtp=True)
    host, colon, port = place.rpartition(":")
    named = colon and host and not set("@/").intersection(host)
    if not named or not _PORT.fullmatch(port) or not 0 < int(port) < 65536:
        raise UsageError(
            f"--via lmtp:{without_user(place)}: neither HOST:PORT nor the path of a socket",
            "try lmtp:localhost:24",
        )
    return Server(host.strip("[]"), int(port), security=Security.NONE, lmtp=True)


def _malformed(url: str, plain: str, option: str) -> UsageError:
    port = ":587" if plain == "smtp" else ""
    return UsageError(
        f"{option} {without_user(url)}: this is no server",
        f"write {plain}s://USER@HOST, or {plain}://USER@HOST{port} for STARTTLS",
    )
