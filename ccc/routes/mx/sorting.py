"""Which recipients go which course: their domains are looked up, many at a time, and those that agree meet.

A delivery waits a moment until all its domains are found, so that those with the same hosts share a
transaction. Whoever is found later goes alone.
"""

import time
from collections.abc import Callable, Hashable, Mapping
from functools import partial
from typing import NamedTuple

from ccc.address import Mailbox
from ccc.delivery import Delivery
from ccc.errors import CccError
from ccc.routes.mx.course import Course, key
from ccc.routes.mx.crew import Crew


class Found(NamedTuple):
    """What was found of a domain."""

    course: Course
    findings: tuple[str, ...] = ()


class Group(NamedTuple):
    """Recipients of a delivery who go the same course, in the order of the envelope; or why they go none."""

    delivery: Delivery
    paths: tuple[Mailbox, ...]
    course: Course | CccError


class Sorter:
    """Sorts deliveries; only `look` is called in another thread. `crew` and `put` are where that is done."""

    def __init__(
        self,
        look: Callable[[str], Found | CccError],
        crew: Crew,
        put: Callable[[Callable[[], None]], None],
        say: Callable[[str], None],
        seconds: float,
    ) -> None:
        self._look = look
        self._crew = crew
        self._put = put
        self._say = say
        self._seconds = seconds
        self._domains: dict[str, Found | CccError | None] = {}  # None while it is looked up
        self._waiting: list[_Waiting] = []

    @property
    def idle(self) -> bool:
        """Nothing waits."""
        return not self._waiting

    def add(self, delivery: Delivery) -> None:
        """Look up what is not known of its domains."""
        waiting = _Waiting(delivery, time.monotonic() + self._seconds)
        self._waiting.append(waiting)
        for domain in waiting.domains:
            if domain not in self._domains:
                self._domains[domain] = None
                self._crew.start(partial(partial, self._find, domain))

    def ready(self) -> list[Group]:
        """Who need not wait any more."""
        now, groups = time.monotonic(), list[Group]()
        for waiting in self._waiting:
            known = {each: found for each in waiting.domains if (found := self._domains[each]) is not None}
            if known and (len(known) == len(waiting.domains) or now >= waiting.deadline):
                waiting.domains.difference_update(known)
                groups += _groups(waiting.delivery, known)
        self._waiting = [each for each in self._waiting if each.domains]
        return groups

    def patience(self) -> float | None:
        """For how many seconds nobody is ready, whatever is not found; None if only that can change it."""
        now = time.monotonic()
        return min((each.deadline - now for each in self._waiting if each.deadline > now), default=None)

    def stop(self, error: CccError) -> list[Group]:
        """Look no further: all who wait go nowhere."""
        self._crew.dismiss()
        waiting, self._waiting = self._waiting, []
        return [Group(each.delivery, _paths(each.delivery, each.domains), error) for each in waiting]

    def _find(self, domain: str) -> None:
        """In a thread: look a domain up."""
        found = self._look(domain)
        self._put(partial(self._found, domain, found))

    def _found(self, domain: str, found: Found | CccError) -> None:
        self._domains[domain] = found
        if isinstance(found, Found):
            for finding in found.findings:
                self._say(finding)


class _Waiting:
    """A delivery some of whose domains are not found; at the deadline it does not wait for all of them."""

    def __init__(self, delivery: Delivery, deadline: float) -> None:
        self.delivery = delivery
        self.deadline = deadline
        self.domains = {path.domain for path in delivery.envelope.forward_paths}


def _groups(delivery: Delivery, domains: Mapping[str, Found | CccError]) -> list[Group]:
    groups: dict[Hashable, tuple[Course | CccError, set[str]]] = {}
    for domain, found in domains.items():
        if isinstance(found, CccError):
            groups[domain] = found, {domain}
        else:
            groups.setdefault(key(found.course), (found.course, set()))[1].add(domain)
    return [Group(delivery, _paths(delivery, names), way) for way, names in groups.values()]


def _paths(delivery: Delivery, domains: set[str]) -> tuple[Mailbox, ...]:
    """The recipients of these domains, in the order of the envelope."""
    return tuple(path for path in delivery.envelope.forward_paths if path.domain in domains)
