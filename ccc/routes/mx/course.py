"""The course for one domain: its hosts in the order of the tries, at which addresses, under which TLS; pure.

Two domains have the same course if their hosts are the same in the same order of preference, and what is
asked of each of them is the same: then they share a transaction.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from ccc.errors import CccError

if TYPE_CHECKING:
    from ccc.routes.mx.demand import Demand
    from ccc.routes.mx.target import Host

MOST_ADDRESSES: Final = 5  # that are tried for a domain: RFC 5321, 5.1 leaves the number to us
AT_ONCE: Final = 2  # of one host, before the next host gets its share: RFC 5321, 5.1 wants two to be tried


class Leg(NamedTuple):
    """A host to try, with the addresses and the TLS; or why it must not be used."""

    host: "Host"
    addresses: tuple[str, ...]
    demand: "Demand | CccError"


Course = tuple[Leg, ...]


def course(
    hosts: "Iterable[Host]",
    demand: "Callable[[Host], Demand]",
    routed: Callable[[str], bool],
) -> Course:
    """The course over these hosts; an address to which this host has no route costs no try."""
    legs = [_leg(host, demand, routed) for host in hosts]
    open_ = [leg for leg in legs if not isinstance(leg.demand, CccError)]
    shares = iter(shared([leg.addresses for leg in open_]))
    return tuple(
        leg if isinstance(leg.demand, CccError) else leg._replace(addresses=next(shares)) for leg in legs
    )


def _leg(host: "Host", demand: "Callable[[Host], Demand]", routed: Callable[[str], bool]) -> Leg:
    addresses = tuple(filter(routed, host.addresses))
    try:
        return Leg(host, addresses or host.addresses, demand(host))
    except CccError as error:
        return Leg(host, (), error)


def shared(rows: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """So much of each row that there are MOST_ADDRESSES in all: two of each in turn, until it is enough."""
    rows = list(rows)
    counts, left = [0] * len(rows), MOST_ADDRESSES
    for place in _turns([len(row) for row in rows]):
        if not left:
            break
        counts[place] += 1
        left -= 1
    return [row[:count] for row, count in zip(rows, counts, strict=True)]


def _turns(lengths: list[int]) -> Iterator[int]:
    """Whose turn it is, for each item of rows that are so long."""
    for begin in range(0, max(lengths, default=0), AT_ONCE):
        for place, length in enumerate(lengths):
            yield from [place] * max(0, min(AT_ONCE, length - begin))


def key(legs: Course) -> Hashable:
    """Equal for courses that are the same, however equals among their hosts were shuffled."""
    preferences = sorted({leg.host.preference for leg in legs})
    return frozenset(
        (preferences.index(leg.host.preference), leg.host.name or leg.host.addresses, _asked(leg.demand))
        for leg in legs
    )


def _asked(demand: "Demand | CccError") -> Hashable:
    return demand.what if isinstance(demand, CccError) else demand._replace(findings=())
