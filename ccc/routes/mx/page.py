"""The policy file of MTA-STS over HTTPS (RFC 8461, 3.3): verified, without redirects, small, and soon.

The host's addresses come from the resolver that the route uses, so that one DNS decides where mail goes and
what protects it.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from ccc.errors import CccError
from ccc.resolver import Resolver
from ccc.routes.mx.sts import LONGEST

if TYPE_CHECKING:
    from ccc.transport.dial import Address
    from ccc.transport.tls import TlsSocket

PATH: Final = "/.well-known/mta-sts.txt"
SECONDS: Final = 60.0  # RFC 8461, 3.3
PORT: Final = 443
MOST_ADDRESSES: Final = 4

_PORTS = "tell the domain's administrator"


class Page(NamedTuple):
    """What became of a page: its octets, else in a few words why there are none."""

    octets: bytes | None
    why: str = ""


Fetch = Callable[[str], Page]


class Pages(NamedTuple):
    """Fetches the policy files of domains; `usable` says which addresses may be connected to."""

    resolver: Resolver
    usable: Callable[[str], bool] = lambda _: True
    ca_file: str | None = None
    seconds: float = SECONDS
    port: int = PORT

    def fetch(self, domain: str) -> Page:
        """The policy file of a domain; whatever goes wrong is in the answer."""
        from http.client import HTTPException

        host, deadline = f"mta-sts.{domain}", time.monotonic() + self.seconds
        try:
            socket = self._connect(host, deadline)
            try:
                return _ask(socket, host, deadline)
            finally:
                socket.close()
        except CccError as error:
            return Page(None, error.what)
        except OSError as error:
            return Page(None, (error.strerror or "the connection was lost").lower())
        except (HTTPException, ValueError):
            return Page(None, f"what {host} says is not HTTP")

    def _connect(self, host: str, deadline: float) -> "TlsSocket":
        """A connection, which is verified: RFC 8461, 3.3."""
        from ccc.transport.dial import Dial
        from ccc.transport.tls import Trust, put_tls_on

        dial = Dial(self._addresses(host), max(deadline - time.monotonic(), 0))
        trust = Trust(self.ca_file)
        return put_tls_on(dial.connected(), host, trust, deadline, every_root=True, ports=_PORTS)[0]

    def _addresses(self, host: str) -> "list[Address]":
        """Where the host is; TryLaterError if it is nowhere."""
        import socket

        from ccc.errors import TryLaterError

        found = [each for each in self.resolver.addresses(host).records if self.usable(each)]
        if not found:
            raise TryLaterError(f"there is no host {host}")
        families = {True: socket.AF_INET6, False: socket.AF_INET}
        return [(families[":" in each], (each, self.port)) for each in found[:MOST_ADDRESSES]]


def _ask(socket: "TlsSocket", host: str, deadline: float) -> Page:
    """The page, if it is one that counts."""
    from http.client import HTTPConnection

    from ccc.transport.timed import Timed

    connection = HTTPConnection(host)
    connection.sock = Timed(socket, deadline)
    head = {"Accept": "text/plain", "User-Agent": "ccc", "Connection": "close"}
    connection.request("GET", PATH, headers=head)
    answer = connection.getresponse()
    kind = answer.getheader("Content-Type", "").partition(";")[0].strip().lower()
    if answer.status != 200:  # RFC 8461, 3.3: a redirect is not followed either
        return Page(None, f"{host} answered {answer.status}")
    if kind != "text/plain":  # RFC 8461, 3.2
        return Page(None, f"{host} answered with something else than plain text")
    whole = answer.length is not None or answer.chunked  # else whoever ends the connection ends the policy
    octets = answer.read(LONGEST + 1)
    if len(octets) > LONGEST:
        return Page(None, f"it has more than {LONGEST >> 10} KiB")
    if not whole or answer.length:
        return Page(None, f"{host} did not send all of it, or did not say how long it is")
    return Page(octets)
