"""The name that we greet a mail host with (RFC 5321, 4.1.1.1): one that the DNS knows, else our address.

Mail hosts look it up, and the name of our address too; many refuse who cannot show one. What is not as they
want it is told once for each address of ours.
"""

import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from ccc.errors import TryLaterError
from ccc.routes.mx.usable import Bounds, flaw
from ccc.routes.session import address_literal
from ccc.smtp.commands import greets

if TYPE_CHECKING:
    from ccc.resolver import Resolver

_ALSO = "they refuse addresses that providers give to homes as well, which ccc cannot know"


def own_name() -> str:
    """The full name of this host, as far as it knows it itself; else ""."""
    name = socket.gethostname()
    if "." in name:
        return name
    try:
        found = socket.getaddrinfo(name, None, flags=socket.AI_CANONNAME)
    except (OSError, UnicodeError):  # a label that is too long for the DNS
        return ""
    canonical = next((each[3] for each in found if each[3]), "")
    return canonical if "." in canonical else ""


class Greeting:
    """Our name for connections from each of our addresses; may be asked from several threads.

    `tell` hears what big receivers refuse mail for.
    """

    def __init__(
        self, resolver: "Resolver", helo: str, host: Callable[[], str], tell: Callable[[str], None]
    ) -> None:
        self._resolver = resolver
        self._helo = helo
        self._host = host
        self._tell = tell
        self._names: dict[str, str] = {}
        self._lock = threading.Lock()

    def name(self, address: str) -> str:
        """The name for a connection from this address of ours."""
        with self._lock:
            if address not in self._names:
                self._names[address] = self._found(address)
                self._tell_of_the_address(address)
            return self._names[address]

    def _found(self, address: str) -> str:
        """The configured name, else this host's own if the DNS knows it, else the address."""
        if self._helo:
            return self._helo
        name = self._host().lower().rstrip(".")
        if "." in name and greets(name) and is_known(self._resolver, name, address):
            return name
        literal = address_literal(address)
        if not _is_local(address):
            self._tell(
                f"no name of this host leads to {address} in the DNS, so mail hosts are greeted as {literal} "
                "and many refuse that; give a name with --helo, or helo = in the account"
            )
        return literal

    def _tell_of_the_address(self, address: str) -> None:
        """Tell if our address has no name of its own; behind NAT it is not known."""
        if _is_local(address):
            return
        if flaw(address, Bounds()):
            self._tell(f"mail hosts see another address of this network than {address}; {_ALSO}")
            return
        try:
            if self._resolver.names(address).records:
                return
        except TryLaterError:
            return
        self._tell(f"{address} has no name in the DNS (PTR record); many mail hosts refuse that, and {_ALSO}")


def is_known(resolver: "Resolver", name: str, address: str) -> bool:
    """Whether the DNS leads from this name to our address; behind NAT, to any address."""
    try:
        found = resolver.addresses(name).records
    except TryLaterError:
        return False
    translated = bool(flaw(address, Bounds())) and not _is_local(address)
    return address in found or (translated and any(not flaw(each, Bounds()) for each in found))


def _is_local(address: str) -> bool:
    """A connection that does not leave this host."""
    from ipaddress import ip_address

    return ip_address(address).is_loopback
