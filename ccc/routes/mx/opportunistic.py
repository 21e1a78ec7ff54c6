"""The least of all policies: TLS with whomever it is, where a host offers it (RFC 7435); and that is said."""

from typing import TYPE_CHECKING, NamedTuple

from ccc.routes.mx.demand import Demand, Level
from ccc.smtp.session import StartTLSPolicy

if TYPE_CHECKING:
    from ccc.routes.mx.target import Host, Target


class Opportunistic(NamedTuple):
    """A policy, and what it holds for each domain."""

    def of(self, target: "Target", /) -> "Opportunistic":  # noqa: ARG002  # a Policy's
        """The same for every domain."""
        return self

    def demand(self, host: "Host", /) -> Demand:
        """The same for every host."""
        from ccc.transport.tls import Trust

        name = host.name or host.addresses[0]
        trust = Trust(verify=False)
        return Demand(Level.OPPORTUNISTIC, StartTLSPolicy.OPPORTUNISTIC, name, trust, "not verified")
