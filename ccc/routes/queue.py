"""Deliveries that wait for their turn, each made only when it has come."""

from collections.abc import Iterable, Iterator
from itertools import islice

from ccc.delivery import Delivery


class Queue:
    """An iterator over deliveries that can tell whether another one follows."""

    def __init__(self, deliveries: Iterable[Delivery]) -> None:
        self._deliveries = iter(deliveries)
        self._next: list[Delivery] = []

    def __iter__(self) -> Iterator[Delivery]:
        return self

    def __next__(self) -> Delivery:
        return self._next.pop() if self._next else next(self._deliveries)

    def ended(self) -> bool:
        """Whether none follows; the next one is made to find out, and kept."""
        if not self._next:
            self._next.extend(islice(self._deliveries, 1))
        return not self._next
