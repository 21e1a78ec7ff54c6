"""A route that is not open: what goes there waits for another run."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ccc.delivery import Delivery, Settled, Witness, given_up
from ccc.errors import CccError


class Closed(NamedTuple):
    """The route that cannot be taken because of `error`."""

    error: CccError

    @property
    def name(self) -> str:
        """Nowhere: it has not come that far."""
        return ""

    def deliver(
        self,
        deliveries: Iterable[Delivery],
        /,
        witness: Witness | None = None,  # noqa: ARG002  # a Route's
    ) -> Iterator[tuple[Settled, ...]]:
        """Give each of them up for now."""
        return ((given_up(delivery, self.error),) for delivery in deliveries)
