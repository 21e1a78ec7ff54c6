"""What all routes have in common."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from ccc.delivery import Delivery, Settled, Witness


class Route(Protocol):
    """A way by which deliveries leave."""

    @property
    def name(self) -> str:
        """Where it leads, for eyes."""

    def deliver(
        self, deliveries: Iterable[Delivery], /, witness: Witness | None = None
    ) -> Iterator[tuple[Settled, ...]]:
        """Deliver them in order, and say what became of every recipient of each, as it becomes known.

        Nothing leaves the process before the witness has on disk what it means. Where outcomes come while
        something is noted and not secured yet, both can be brought to the disk together.

        What a user, a file, a server or a network does is in the outcomes, never an exception. A delivery
        is taken from the iterable only when its turn has come.
        """
