"""Delivery: plans in, receipts out, by way of a route.

This is the only place where a plan becomes a delivery, and it takes the plan's envelope and the plan's
content as they are: what was shown is what is sent (law 3). With a journal, a plan is entered there first,
and a receipt comes when the journal has it on disk (law 4).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import TYPE_CHECKING, TypeVar

from ccc.address import Mailbox
from ccc.delivery import Delivery, Dsn, Settled, Watch, unanswered, watched
from ccc.errors import CccError, MessageError, NotRecordedError, StateError
from ccc.plan import Plan
from ccc.receipt import Outcome, Planned, Receipt, State
from ccc.routes.route import Route

if TYPE_CHECKING:
    from ccc.journal.contents import Prepared
    from ccc.journal.journal import Journal, Terms
    from ccc.journal.retry import Due

GROUP = 32  # messages that are entered into the journal in one go
GROUP_SIZE = 4 << 20  # octets; once so many are waiting for it, no other message is added

_Made = TypeVar("_Made")


def deliver(
    plans: Plan | Iterable[Plan],
    route: Route,
    *,
    dsn: Dsn | None = None,
    watch: Watch | None = None,
    journal: "Journal | None" = None,
    terms: "Terms | None" = None,
) -> Iterator[Receipt]:
    """Deliver the plans over the route; a receipt for each as soon as it is known for all its recipients.

    Plans are taken one by one, each when its turn has come (with a journal, up to 32 at once); an error that
    making one raises comes last, when everything that was begun has its receipt. `watch` is told, block by
    block, how many octets of content have been read on their way out. With a `journal`, what it has
    settled is not sent again, and `terms` says what it keeps for a later attempt.
    """
    desk = _Desk(journal)
    some = desk.heeding(iter((plans,) if isinstance(plans, Plan) else plans))
    if journal is None:
        yield from desk.run(route, desk.plain(some, dsn, watch))
    else:
        from ccc.journal.journal import Terms

        terms = (terms or Terms())._replace(dsn=dsn, watch=watch)
        yield from desk.run(route, desk.entered(some, journal, terms))


def deliver_again(due: Iterable["Due"], route: Route, journal: "Journal") -> Iterator[Receipt]:
    """Deliver what the journal has kept, with the same octets, in the same way as `deliver`."""
    desk = _Desk(journal)
    yield from desk.run(route, desk.kept(due))


def _some(plans: Iterator[Plan], count: int) -> Iterator[Plan]:
    """So many plans, or fewer large ones."""
    size = 0
    for plan in islice(plans, count):
        yield plan
        size += plan.content.size
        if size > GROUP_SIZE:
            return


class _Desk:
    """Where deliveries are handed out, and where what became of them comes together."""

    def __init__(self, journal: "Journal | None") -> None:
        self._journal = journal
        self._waiting: dict[Delivery, _Waiting] = {}
        self._ready: list[Receipt] = []
        self._errors: list[CccError] = []

    def heeding(self, made: Iterator[_Made]) -> Iterator[_Made]:
        """What is made, one by one; an error in making it ends it, and nothing that is made already."""
        try:
            yield from made
        except CccError as error:
            self._errors.append(error)

    def run(self, route: Route, deliveries: Iterator[Delivery]) -> Iterator[Receipt]:
        """Let the route deliver; receipts as they become known, errors of the source in the end."""
        try:
            for news in route.deliver(self.heeding(deliveries), self._journal):
                self._take(news)
                yield from self._receipts()
        except Exception:  # a bug of ours or of the caller's: nobody knows what became of these
            yield from self._receipts()
            for waiting in dict.fromkeys(self._waiting.values()):
                yield waiting.broken_off()
            raise
        yield from self._receipts()
        if self._errors:
            raise self._errors[0]

    def plain(self, plans: Iterator[Plan], dsn: Dsn | None, watch: Watch | None) -> Iterator[Delivery]:
        """Each plan as a delivery, without a journal."""
        for plan in plans:
            content = watched(plan.content, watch)
            delivery = Delivery(plan.envelope, content, dsn, filed=plan.message.filed)
            self._waiting[delivery] = _Waiting(plan.source, plan.envelope.forward_paths, plan)
            yield delivery

    def entered(self, plans: Iterator[Plan], journal: "Journal", terms: "Terms") -> Iterator[Delivery]:
        """What the journal finds is to be sent for each plan, once it is on disk there."""
        count = 1  # the first one does not wait for others
        while group := tuple(_some(plans, count)):
            count = min(2 * count, GROUP)
            prepared: list[Prepared] = []
            try:
                prepared.extend(self._prepared(group, journal))
                entered = journal.enter(prepared, terms)
            except StateError as error:
                self._keep_back(chain(group, plans), prepared, error)
                return
            for one, (deliveries, outcomes) in zip(prepared, entered, strict=True):
                paths = one.plan.envelope.forward_paths
                yield from self._handed_out(
                    deliveries, _Waiting(one.plan.source, paths, one.plan, [*outcomes])
                )

    def kept(self, due: Iterable["Due"]) -> Iterator[Delivery]:
        """What the journal has kept."""
        for each in due:
            deliveries = (each.delivery,) if each.delivery else ()
            paths = [outcome.mailbox for outcome in each.outcomes]
            paths += (mailbox for delivery in deliveries for mailbox in delivery.envelope.forward_paths)
            yield from self._handed_out(deliveries, _Waiting(each.source, paths, each, [*each.outcomes]))

    def _prepared(self, plans: Iterable[Plan], journal: "Journal") -> "Iterator[Prepared]":
        """Those plans whose octets can be read."""
        for plan in plans:
            try:
                yield journal.prepare(plan)
            except MessageError as error:
                self._ready.append(Receipt(plan.source, error=error, plan=plan))

    def _keep_back(self, plans: Iterable[Plan], prepared: "Iterable[Prepared]", error: StateError) -> None:
        """What the journal does not take, and all that comes after it, is not sent; each has its receipt."""
        for one in prepared:
            one.drop()
        told = {id(receipt.plan) for receipt in self._ready}
        self._ready += (Receipt(plan.source, error=error) for plan in plans if id(plan) not in told)

    def _handed_out(self, deliveries: Sequence[Delivery], waiting: "_Waiting") -> Iterator[Delivery]:
        """The deliveries of one message; its receipt is ready if there are none."""
        if waiting.complete:
            self._ready.append(waiting.receipt())
        self._waiting.update(dict.fromkeys(deliveries, waiting))
        yield from deliveries

    def _take(self, news: tuple[Settled, ...]) -> None:
        """Record what became of some deliveries."""
        error = None
        if self._journal is not None:
            try:
                news = tuple(self._journal.settle(news))
            except StateError as problem:
                error = problem
        for delivery, outcomes in news:
            waiting = self._waiting[delivery]
            waiting.outcomes += outcomes
            waiting.unrecorded = waiting.unrecorded or error
            if waiting.complete:
                self._waiting = {key: each for key, each in self._waiting.items() if each is not waiting}
                self._ready.append(waiting.receipt())

    def _receipts(self) -> Iterator[Receipt]:
        """What is ready."""
        ready, self._ready = self._ready, []
        yield from ready


@dataclass(slots=True, eq=False, repr=False)
class _Waiting:
    """A message, and what is known of its recipients so far."""

    source: str
    paths: Sequence[Mailbox]
    plan: Planned
    outcomes: list[Outcome] = field(default_factory=list)
    unrecorded: StateError | None = None

    @property
    def complete(self) -> bool:
        return len(self.outcomes) == len(self.paths)

    def broken_off(self) -> Receipt:
        """The receipt when the route broke off: what is not known is in doubt."""
        known = {outcome.mailbox.key for outcome in self.outcomes}
        bug = CccError("the delivery broke off because of a bug in ccc")
        self.outcomes += [
            unanswered(path, bug, committed=True) for path in self.paths if path.key not in known
        ]
        return self.receipt()

    def receipt(self) -> Receipt:
        """The receipt, its outcomes in the order of the envelope."""
        place = {mailbox.key: place for place, mailbox in enumerate(self.paths)}
        self.outcomes.sort(key=lambda outcome: place[outcome.mailbox.key])
        return Receipt(self.source, tuple(self.outcomes), self._not_recorded(), self.plan)

    def _not_recorded(self) -> CccError | None:
        """What the journal could not take down."""
        problem = self.unrecorded
        if problem is None or not any(each.state is State.ACCEPTED for each in self.outcomes):
            return problem
        return NotRecordedError(
            f"it was sent, and that is not in the journal: {problem.what}", "do not send it again"
        )
