"""Delivery: plans in, receipts out, by way of a route.

This is the only place where a plan becomes a delivery, and it takes the plan's envelope and the plan's
content as they are: what was shown is what is sent (law 3).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from ccc.delivery import Delivery, Dsn, Sendable, unanswered
from ccc.errors import CccError
from ccc.plan import Plan
from ccc.receipt import Outcome, Receipt
from ccc.routes.route import Route

Watch = Callable[[int], None]


def deliver(
    plans: Plan | Iterable[Plan], route: Route, *, dsn: Dsn | None = None, watch: Watch | None = None
) -> Iterator[Receipt]:
    """Deliver the plans over the route; a receipt for each as soon as it is known for all its recipients.

    Plans are taken one by one, each when its turn has come; an error that making one raises comes last, when
    everything that was begun has its receipt. `watch` is told, block by block, how many octets of content
    have been read on their way out.
    """
    waiting: dict[Delivery, _Waiting] = {}
    errors: list[CccError] = []

    def deliveries() -> Iterator[Delivery]:
        try:
            for plan in (plans,) if isinstance(plans, Plan) else plans:
                content = plan.content if watch is None else _Watched(plan.content, watch)
                delivery = Delivery(plan.envelope, content, dsn)
                waiting[delivery] = _Waiting(plan)
                yield delivery
        except CccError as error:  # some messages may be on their way: the route must not break off
            errors.append(error)

    try:
        for settled in route.deliver(deliveries()):
            one = waiting[settled.delivery]
            one.outcomes += settled.outcomes
            if one.complete:
                del waiting[settled.delivery]
                yield one.receipt()
    except Exception:  # a bug of ours or of the caller's: nobody knows what became of these
        for one in waiting.values():
            yield one.broken_off()
        raise
    if errors:
        raise errors[0]


@dataclass(slots=True, eq=False, repr=False)
class _Waiting:
    """A plan, and what is known of its recipients so far."""

    plan: Plan
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        return len(self.outcomes) == len(self.plan.envelope.forward_paths)

    def broken_off(self) -> Receipt:
        """The receipt when the route broke off: what is not known is in doubt."""
        known = {outcome.mailbox.key for outcome in self.outcomes}
        bug = CccError("the delivery broke off because of a bug in ccc")
        paths = self.plan.envelope.forward_paths
        self.outcomes += [unanswered(path, bug, committed=True) for path in paths if path.key not in known]
        return self.receipt()

    def receipt(self) -> Receipt:
        """The receipt, its outcomes in the order of the envelope."""
        place = {mailbox.key: place for place, mailbox in enumerate(self.plan.envelope.forward_paths)}
        self.outcomes.sort(key=lambda outcome: place[outcome.mailbox.key])
        return Receipt(self.plan.source, tuple(self.outcomes), plan=self.plan)


class _Watched(NamedTuple):
    """A content that tells how much of it has been read."""

    content: Sendable
    watch: Watch

    @property
    def size(self) -> int:
        return self.content.size

    @property
    def eight_bit(self) -> bool:
        return self.content.eight_bit

    @property
    def utf8_header(self) -> bool:
        return self.content.utf8_header

    def blocks(self, end: bytes = b"\r\n") -> Iterator[bytes]:
        for block in self.content.blocks(end):
            yield block
            self.watch(len(block))
