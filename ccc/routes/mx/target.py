"""Where mail for a domain goes: its MX hosts by preference, or the domain itself (RFC 5321, 5.1).

That there is nothing, that nobody can say, and that there is only what must not be used are three different
errors. What is odd, and left out, is told in the findings.
"""

from collections.abc import Callable, Iterable
from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple

from ccc.errors import CccError, DomainError, RefusedError, TryLaterError
from ccc.routes.mx.usable import Bounds, flaw, in_turn, is_private, name_flaw

if TYPE_CHECKING:
    from ccc.resolver import Answer, Mx, Resolver
    from ccc.routes.submission import Manner

MOST_HOSTS: Final = 10  # whose addresses are looked up, of a domain that has any number
MOST_ADDRESSES: Final = 16  # of one host; each that is left out is told

_ADMINISTRATOR: Final = "tell the domain's administrator, or use another address of the recipient"
_PRIVATE: Final = "add --allow-private-mx if you know that network"
_SPELLING: Final = "check the spelling of the address"

Shuffle = Callable[[list["Mx"]], None]


class Host(NamedTuple):
    """A host that takes a domain's mail: its name in A-labels ("" for an address literal) and addresses.

    `secure`: DNSSEC proved that it is one, and its addresses; `canonical` is its name after aliases.
    """

    name: str
    preference: int
    addresses: tuple[str, ...]  # those that may be used, IPv6 and IPv4 in turn
    secure: bool = False
    canonical: str = ""


class Target(NamedTuple):
    """Where mail for a domain goes, the host to try first in front; equals are shuffled.

    `secure`: DNSSEC proved the MX records, or that there are none; `implicit`: there are none.
    """

    domain: str
    hosts: tuple[Host, ...]
    secure: bool = False
    implicit: bool = False
    findings: tuple[str, ...] = ()


def find(resolver: "Resolver", domain: str, manner: "Manner", shuffle: Shuffle | None = None) -> Target:
    """Where mail for this domain goes.

    DomainError if there is no such domain or it takes no mail, RefusedError if it names only hosts that must
    not be used, TryLaterError if nobody can say.
    """
    bounds = Bounds(manner.allow_private, manner.allow_loopback)
    if domain.startswith("["):
        return _literal(domain, bounds)
    if why := name_flaw(domain):
        raise DomainError(f"{domain} takes no mail: it is {why}", _SPELLING)
    answer = resolver.mx(domain)
    if any(not record.host for record in answer.records):  # RFC 7505, 3, even beside others
        raise DomainError(f"{domain} takes no mail: its MX record says so (null MX)", _ADMINISTRATOR)
    if not answer.exists:
        raise DomainError(f"there is no domain {domain}", _SPELLING)
    if not answer.records:
        return _implicit(resolver, domain, bounds, secure=answer.secure)
    return _explicit(resolver, domain, answer, bounds, shuffle or _shuffle)


def _literal(domain: str, bounds: Bounds) -> Target:
    """The host that an address literal is (RFC 5321, 4.1.3)."""
    address = domain[1:-1].removeprefix("IPv6:")
    if why := flaw(address, bounds):
        cure = _PRIVATE if is_private(address) else _SPELLING
        raise RefusedError(f"nothing is sent to {domain}: it is {why}", cure)
    return Target(domain, (Host("", 0, (address,)),), implicit=True)


def _implicit(resolver: "Resolver", domain: str, bounds: Bounds, *, secure: bool) -> Target:
    """The domain itself as its only host, at its own addresses (RFC 5321, 5.1)."""
    look = _Look(resolver, bounds)
    host = look.at(domain, 0, secure=secure, alias=True)
    if look.failure is not None:
        raise look.failure
    if host is None:
        why = "" if look.nowhere else f"; {look.why}"
        cure = _PRIVATE if look.private else _SPELLING
        raise DomainError(f"{domain} takes no mail: it has neither MX records nor an address{why}", cure)
    return Target(domain, (host,), secure, implicit=True, findings=tuple(look.findings))


def _explicit(
    resolver: "Resolver", domain: str, answer: "Answer[Mx]", bounds: Bounds, shuffle: Shuffle
) -> Target:
    """The hosts of the MX records; the domain's own addresses never stand in for them (RFC 5321, 5.1)."""
    look = _Look(resolver, bounds)
    records = _ordered(answer.records, shuffle)
    if len(records) > MOST_HOSTS:
        look.findings.append(f"{domain} has {len(records)} MX hosts; ccc looks at the first {MOST_HOSTS}")
    found = [look.at(name, place, secure=answer.secure) for place, name in records[:MOST_HOSTS]]
    hosts = tuple(host for host in found if host is not None)
    if not hosts:
        raise look.failure or _none_usable(domain, look)
    return Target(domain, hosts, answer.secure, findings=tuple(look.findings))


def _ordered(records: Iterable["Mx"], shuffle: Shuffle) -> "list[Mx]":
    """The records by preference, equals in an order of chance (RFC 5321, 5.1), each host once."""
    order: dict[str, Mx] = {}
    for _, equals in groupby(sorted(records), key=lambda record: record.preference):
        some = list(equals)
        shuffle(some)
        for record in some:
            order.setdefault(record.host, record)
    return list(order.values())


def _shuffle(records: "list[Mx]") -> None:
    from random import shuffle

    shuffle(records)


def _none_usable(domain: str, look: "_Look") -> CccError:
    cure = _PRIVATE if look.private else _ADMINISTRATOR
    return RefusedError(f"none of the mail hosts of {domain} may be used: {look.why}", cure)


class _Look:
    """A look at the hosts of one domain; what is left out is in `findings`.

    `failure` is the last look-up without an answer; `private`: what was left out could be allowed; `nowhere`:
    a host had no address at all.
    """

    def __init__(self, resolver: "Resolver", bounds: Bounds) -> None:
        self.findings: list[str] = []
        self.failure: TryLaterError | None = None
        self.private = False
        self.nowhere = False
        self._resolver = resolver
        self._bounds = bounds

    @property
    def why(self) -> str:
        """All that was odd."""
        return "; ".join(self.findings)

    def at(self, name: str, preference: int, *, secure: bool, alias: bool = False) -> Host | None:
        """The host of this name, which may be an `alias`; None, with a finding, if it cannot be used."""
        if why := name_flaw(name):
            self.findings.append(f"{name} is left out: it is {why}")
            return None
        try:
            found = self._resolver.addresses(name)
        except TryLaterError as error:
            self.findings.append(f"{name} is left out: {error.what}")
            self.failure = error
            return None
        if found.canonical not in ("", name) and not self._follow(name, found.canonical, alias=alias):
            return None
        some = tuple(dict.fromkeys(found.records))[:MOST_ADDRESSES]
        usable = tuple(each for each in some if self._usable(name, each))
        if not found.records:
            self.nowhere = True
            why = "has no address" if found.exists else "does not exist"
            self.findings.append(f"{name} is left out: it {why}")
        if not usable:
            return None
        return Host(name, preference, in_turn(usable), secure and found.secure, found.canonical or name)

    def _follow(self, name: str, canonical: str, *, alias: bool) -> bool:
        """Whether a host may be called so in truth."""
        if not alias:  # RFC 2181, 10.3: the name in an MX record is none, but some are
            self.findings.append(f"{name} is only an alias (CNAME) of {canonical}")
        if why := name_flaw(canonical):
            self.findings.append(f"{canonical} is left out: it is {why}")
            return False
        return True

    def _usable(self, name: str, address: str) -> bool:
        why = flaw(address, self._bounds)
        if why:
            self.private = self.private or is_private(address)
            self.findings.append(f"the address {address} of {name} is left out: it is {why}")
        return not why
