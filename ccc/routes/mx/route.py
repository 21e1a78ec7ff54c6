"""Straight to the recipients' mail hosts: what goes to one set of hosts in one transaction, many at once."""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from ccc.delivery import Delivery, Settled, Witness
from ccc.routes.mx.greeting import own_name
from ccc.routes.mx.opportunistic import Opportunistic
from ccc.routes.mx.run import Run
from ccc.routes.mx.target import Shuffle
from ccc.routes.submission import Manner

if TYPE_CHECKING:
    from ccc.resolver import Resolver
    from ccc.routes.mx.demand import Policy

PORT: Final = 25
CONNECTIONS: Final = 20  # at once
GATHER: Final = 2.0  # seconds in which domains may be found to have the same hosts


class Mx(NamedTuple):
    """The route to the mail hosts of each recipient's domain.

    `tell` hears findings, each once. `connections` is how many sets of hosts are served at once,
    `per_domain` how many connections each of them may have. `host` gives our own name; `shuffle` is the
    chance among equal hosts. Domains that are found within `gather` seconds share transactions.
    """

    resolver: "Resolver"
    manner: Manner = Manner()
    policy: "Policy" = Opportunistic()
    connections: int = CONNECTIONS
    per_domain: int = 1
    port: int = PORT
    tell: Callable[[str], None] = lambda _: None
    host: Callable[[], str] = own_name
    shuffle: Shuffle | None = None
    gather: float = GATHER

    @property
    def name(self) -> str:
        """The hosts for eyes."""
        return "the recipients' mail hosts"

    def deliver(
        self, deliveries: Iterable[Delivery], /, witness: Witness | None = None
    ) -> Iterator[tuple[Settled, ...]]:
        """Deliver them, several at a time; outcomes come in the order in which they become known."""
        return Run(self, iter(deliveries), witness).news()
