"""What a submission server says up to the point where mail could be sent: step by step, and nothing is sent.

Each step that went well is a fact; the error of the first that did not ends it, and `stage` says which one
that was: the name, the port, the certificate, the greeting or the login.
"""

import time
from collections.abc import Generator, Iterator, Sequence
from enum import Enum
from os import urandom
from typing import TYPE_CHECKING, NamedTuple

from ccc.routes.submission import Manner
from ccc.smtp.extensions import Extensions
from ccc.smtp.session import Opening, StartTLSPolicy, open_session, quit_session
from ccc.transport.dial import Dial, look_up, shown
from ccc.transport.link import Link, Socket, run
from ccc.transport.server import Security, Server

if TYPE_CHECKING:
    from socket import socket

    from ccc.imap import Folder
    from ccc.smtp.login import Credentials, Keys

DAY = 86400.0
SHOWN = 100  # folders that are named

_STARTTLS = {
    Security.STARTTLS: StartTLSPolicy.REQUIRED,
    Security.OPPORTUNISTIC: StartTLSPolicy.OPPORTUNISTIC,
}


class Stage(Enum):
    """The steps, in their order."""

    DNS = "dns"
    PORT = "port"
    CERTIFICATE = "certificate"
    GREETING = "offers"
    LOGIN = "login"
    FOLDERS = "folders"  # of a mail store


class Fact(NamedTuple):
    """A step that went well, for eyes; `days` are those that the certificate has left."""

    stage: Stage
    text: str
    days: float | None = None
    skipped: bool = False  # it was not tried, and should perhaps have been


class Probe:
    """The steps of asking one server; `stage` is the one that is being taken."""

    def __init__(self, server: Server, manner: Manner) -> None:
        self.server = server
        self.stage = Stage.DNS
        self.sent: str | None = None  # the folder for sent mail
        self._manner = manner
        self._protected: Fact | None = None

    def reach(self) -> "Generator[Fact, None, socket]":
        """A connection to the server; the caller closes it."""
        addresses = look_up(self.server.host, self.server.port)
        places = dict.fromkeys(str(where[0]) for _, where in addresses)
        yield Fact(Stage.DNS, f"{self.server.host} is {' and '.join(places)}")
        self.stage = Stage.PORT
        connection = Dial(addresses, self._manner.timeouts.connect, self._manner.interrupts).connected()
        try:
            yield Fact(Stage.PORT, f"{shown(connection.getpeername())} answers")
        except BaseException:
            connection.close()
            raise
        return connection

    def secure(self, plain: Socket, deadline: float) -> tuple[Socket, str]:
        """Put TLS on a connection, and remember what that showed."""
        from ccc.transport.tls import Trust, put_tls_on

        self.stage = Stage.CERTIFICATE
        verify = self.server.security is not Security.OPPORTUNISTIC
        tls, how = put_tls_on(
            plain,
            self.server.host,
            Trust(self._manner.ca_file, verify),
            deadline,
            every_root=True,
            interrupts=self._manner.interrupts,
        )
        self._protected = _protected(how, tls.expires)
        self.stage = Stage.GREETING
        return tls, how

    @property
    def protection(self) -> Fact:
        """How the connection is protected."""
        clear = Fact(Stage.CERTIFICATE, "nothing is encrypted; it does not leave this host")
        return self._protected or clear

    def submission(self, keys: "Keys | None") -> Iterator[Fact]:
        """Ask a submission server, log in if there are keys, and say goodbye."""
        connection = yield from self.reach()
        manner, ours = self._manner, str(connection.getsockname()[0])
        link = Link(
            connection,
            manner.timeouts,
            secure=self.secure,
            transcript=manner.transcript,
            interrupts=manner.interrupts,
        )
        try:
            self.stage = Stage.GREETING
            if self.server.security is Security.IMPLICIT:
                link.start_tls()
            literal = f"[IPv6:{ours}]" if ":" in ours else f"[{ours}]"  # RFC 5321, 4.1.3
            policy = _STARTTLS.get(self.server.security, StartTLSPolicy.NEVER)
            offered = run(open_session(Opening(manner.helo or literal, policy)), link)
            yield self.protection
            yield Fact(Stage.GREETING, _listed(offered))
            if keys is not None:
                self.stage = Stage.LOGIN
                yield Fact(Stage.LOGIN, f"logged in as {_log_in(keys, offered, link)}")
            elif offered.mechanisms and not self.server.user:
                untried = "not tried: the server offers one, and there is no user name"
                yield Fact(Stage.LOGIN, untried, skipped=True)
            run(quit_session(), link)
            link.leave()
        finally:
            link.close()

    def mailstore(self, keys: "Keys | None") -> Iterator[Fact]:
        """Ask an IMAP server, log in, and see which folders are special.

        The first connection is for the certificate alone; the login is that of every other command.
        """
        from ccc.imap.client import Client
        from ccc.imap.wire import Wire

        manner = self._manner
        wire = Wire((yield from self.reach()), manner.timeouts.greeting, interrupts=manner.interrupts)
        try:
            self.stage = Stage.GREETING
            if self.server.security is Security.IMPLICIT:
                wire.secure(self.secure)
            client = Client(wire)
            if self.server.security is not Security.IMPLICIT and "STARTTLS" in client.offered:
                client.start_tls(self.secure)
            yield self.protection
            yield Fact(Stage.GREETING, " ".join(sorted(client.offered)))
            client.log_out()
        finally:
            wire.close()
        yield from self._folders(keys)

    def _folders(self, keys: "Keys | None") -> Iterator[Fact]:
        """Log in and look at the folders."""
        from ccc.imap import Manner as Reading
        from ccc.imap import connect

        self.stage = Stage.LOGIN
        manner = self._manner
        reading = Reading(
            ca_file=manner.ca_file,
            timeout=manner.timeouts.command,
            transcript=manner.transcript,
            interrupts=manner.interrupts,
        )
        with connect(self.server, keys, reading) as session:
            yield Fact(Stage.LOGIN, f"logged in as {self.server.user}")
            self.stage = Stage.FOLDERS
            self.sent = session.find_special("\\Sent")
            yield Fact(Stage.FOLDERS, _folders(session.folders()))


def _log_in(keys: "Keys", offered: Extensions, link: Link) -> str:
    """Log in, with other credentials if those are refused and there are some; the user's name."""
    from ccc.accounts.renewal import Login
    from ccc.smtp.login import log_in

    def attempt(credentials: "Credentials") -> str:
        run(log_in(offered, credentials, urandom(18).hex()), link)
        return credentials.user

    return Login(keys).using(attempt)


def _protected(how: str, expires: float | None) -> Fact:
    """What the handshake showed."""
    if expires is None:
        return Fact(Stage.CERTIFICATE, how)
    days = (expires - time.time()) / DAY
    count = "1 day" if int(days) == 1 else f"{int(days)} days"
    return Fact(Stage.CERTIFICATE, f"{how}; it is good for {count} more", days)


def _listed(offered: Extensions) -> str:
    """The extensions as the server lists them."""
    if not offered.keywords:
        return "no extensions"
    return ", ".join(" ".join((name, *values)) for name, values in offered.keywords.items() if name)


def _folders(folders: "Sequence[Folder]") -> str:
    """The folders, with what the server says they are for."""
    names = [f"{each.name} ({', '.join(sorted(each.uses))})" if each.uses else each.name for each in folders]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
