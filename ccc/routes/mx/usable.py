"""Which hosts and addresses of a domain's mail hosts may be connected to at all; pure.

Everybody can write any address into the DNS. What leads to this host, to its own link or to the network
around it is left out as if it were not there, so that a stranger's domain cannot make ccc knock at doors that
only we can reach.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final, NamedTuple

from ccc.address.domain import LDH

_PRIVATE: Final = tuple(
    ip_network(each)
    for each in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),  # RFC 1918, 3
        "100.64.0.0/10",  # RFC 6598, 7: between a provider and its customers
        *("fc00::/7", "fec0::/10"),  # RFC 4193, 3.1; RFC 3879, 4
        *("192.0.0.0/24", "198.18.0.0/15", "2001::/32"),  # RFC 6890, 2.2.2: protocols, benchmarks, Teredo
    )
)
_WITHIN: Final = {  # IPv6 networks whose addresses stand for IPv4 ones, and at which octet these begin
    ip_network("::ffff:0:0/96"): 12,  # RFC 4291, 2.5.5.2
    ip_network("::/96"): 12,  # RFC 4291, 2.5.5.1
    ip_network("64:ff9b::/96"): 12,  # RFC 6052, 2.1
    ip_network("2002::/16"): 2,  # RFC 3056, 2
}
_LONGEST: Final = 253  # characters of a name as it is written: RFC 1035, 2.3.4
_LONGEST_LABEL: Final = 63
_NAME: Final = LDH | frozenset("._")


class Bounds(NamedTuple):
    """What is allowed besides the addresses that anybody can reach."""

    private: bool = False
    loopback: bool = False  # for tests


def flaw(address: str, bounds: Bounds) -> str:
    """Why this address is not connected to, as in "a loopback address"; "" if nothing speaks against it."""
    try:
        given = ip_address(address)
    except ValueError:
        return "no address"
    for each in (given, *_stands_for(given)):
        if found := _flaw(each, bounds):
            return found
    return ""


def is_private(address: str) -> bool:
    """Whether it is allowed or not by `Bounds.private` alone."""
    return bool(flaw(address, Bounds(loopback=True))) and not flaw(address, Bounds(True, True))


def name_flaw(name: str) -> str:
    """Why a name cannot be that of a mail host; "" if nothing speaks against it."""
    labels = name.lower().split(".")
    if _is_address(name) or labels[-1].isdigit():  # RFC 5321, 5.1: a name that leads to addresses
        return "an address, where a name belongs"
    if labels[-1] == "localhost" or labels[-2:] == ["localhost", "localdomain"]:  # RFC 6761, 6.3
        return "this host's name for itself"
    if len(name) > _LONGEST or any(len(label) > _LONGEST_LABEL for label in labels):
        return "too long a name"
    if not all(labels) or not _NAME.issuperset(name.lower()):
        return "no host name"
    return ""


def in_turn(addresses: tuple[str, ...]) -> tuple[str, ...]:
    """The addresses with IPv6 and IPv4 in turn, each family in the order in which it came."""
    six = [each for each in addresses if ":" in each]
    four = [each for each in addresses if ":" not in each]
    pairs = zip(six, four, strict=False)
    paired = [each for pair in pairs for each in pair]
    return tuple(paired) + tuple(six[len(four) :]) + tuple(four[len(six) :])


def _flaw(address: IPv4Address | IPv6Address, bounds: Bounds) -> str:
    if address.is_loopback:
        return "" if bounds.loopback else "a loopback address"
    if address.is_unspecified or (address.version == 4 and address.packed[0] == 0):  # RFC 1122, 3.2.1.3
        return "an unspecified address"
    if address.is_link_local:
        return "a link-local address"
    if address.is_multicast:
        return "a multicast address"
    if any(address.version == each.version and address in each for each in _PRIVATE):
        return "" if bounds.private else "an address of a private network"
    if address.is_reserved and not (address.version == 6 and _stands_for(address)):
        return "a reserved address"
    return ""


def _stands_for(address: IPv4Address | IPv6Address) -> tuple[IPv4Address, ...]:
    """The IPv4 address that an IPv6 address stands for, if it does."""
    if address.version == 4 or address.is_loopback or address.is_unspecified:
        return ()
    places = (at for network, at in _WITHIN.items() if address in network)
    return tuple(IPv4Address(address.packed[at : at + 4]) for at in places)


def _is_address(name: str) -> bool:
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
