"""One run of the route to mail hosts: the calling thread, and what it has the others do.

Theory of operation. The calling thread takes deliveries, has their recipients sorted by the course that their
domains have, and hands each group to the lane of that course. Look-ups and couriers work in threads; whatever
they tell or ask comes by the post, and is heard by the calling thread alone: outcomes, octets to be read,
stages to be brought to the disk. Each recipient is in one part of one delivery, so there is one outcome.
"""

import socket
from collections.abc import Callable, Hashable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from ccc.address import Mailbox
from ccc.delivery import Delivery, Settled, Witness, given_up, unanswered
from ccc.errors import CccError, Interrupted, JournalFailed, StateError
from ccc.receipt import Outcome
from ccc.routes.mx.courier import Courier, Kit, Noted
from ccc.routes.mx.course import course, key
from ccc.routes.mx.crew import Crew
from ccc.routes.mx.failures import NoHost, blocked
from ccc.routes.mx.greeting import Greeting
from ccc.routes.mx.lane import Lane
from ccc.routes.mx.parcel import parcel
from ccc.routes.mx.post import Bell, Post, Wish
from ccc.routes.mx.sorting import Found, Group, Sorter
from ccc.routes.mx.target import find
from ccc.routes.session import left
from ccc.transport.transcript import Transcript

if TYPE_CHECKING:
    from ccc.routes.mx.route import Mx

AHEAD: Final = 32  # deliveries that are under way at once


class _Part(NamedTuple):
    """A parcel's delivery, and how many of its recipients are not settled."""

    delivery: Delivery
    left: int


class Run:
    """One run of the route; `_look` and what couriers say are in other threads."""

    def __init__(self, route: "Mx", deliveries: Iterator[Delivery], witness: Witness | None) -> None:
        self._route = route
        self._deliveries = deliveries
        self._witness = witness
        self._exhausted = False
        self._post: Post[Callable[[], None]] = Post()
        self._lookups = Crew(route.connections, self._post.put, self._broken)
        self._couriers = Crew(route.connections, self._post.put, self._broken)
        self._greeting = Greeting(route.resolver, route.manner.helo, route.host, self.tell)
        self._sorter = Sorter(self._look, self._lookups, self._post.put, self._say, route.gather)
        self._lanes: dict[Hashable, Lane] = {}
        self._parts: dict[Delivery, _Part] = {}
        self._open: dict[Delivery, int] = {}  # how many recipients are not settled
        self._begun: set[Delivery] = set()  # those of which a part has been handed out
        self._known: list[Settled] = []
        self._silent: list[Settled] = []  # of hosts that nothing was heard of
        self._reached = False
        self._wishes: list[Wish[None]] = []
        self._bells: set[Bell] = set()
        self._told: set[str] = set()
        self._over: CccError | None = None  # why nothing more is begun
        self._failed: StateError | None = None  # why nothing can be brought to the disk any more
        self._bug: BaseException | None = None

    def news(self) -> Iterator[tuple[Settled, ...]]:
        """What becomes known, whenever it may be recorded."""
        try:
            while not self._finished():
                pulled = self._pull()
                self._hand_out(self._sorter.ready())
                self._release()
                self._listen(0 if pulled or self._known else self._sorter.patience())
                if self._known:
                    known, self._known = tuple(self._known), []
                    yield known
                self._secure()
            if self._over is not None:
                yield from left((), self._deliveries, self._over)
        finally:
            self._close()

    def _finished(self) -> bool:
        ended = self._exhausted or self._over is not None
        return ended and not self._open and not self._known and self._couriers.idle

    def _pull(self) -> bool:
        """Take the next delivery, if its turn has come; whether anything is different now."""
        if self._exhausted or self._over is not None or len(self._open) >= AHEAD:
            return False
        delivery = next(self._deliveries, None)
        if delivery is None:
            self._exhausted = True
            return True
        self._open[delivery] = len(delivery.envelope.forward_paths)
        self._sorter.add(delivery)
        return True

    def _look(self, domain: str) -> Found | CccError:
        """In a thread: where mail for a domain goes, and what protects it."""
        route = self._route
        try:
            target = find(route.resolver, domain, route.manner, route.shuffle)
            legs = course(target.hosts, route.policy.of(target).demand, _routed)
        except CccError as error:
            return error
        asked = (leg.demand for leg in legs)
        findings = (each for one in asked if not isinstance(one, CccError) for each in one.findings)
        return Found(legs, (*target.findings, *findings))

    def _hand_out(self, groups: Iterable[Group]) -> None:
        """A parcel for each group."""
        for delivery, paths, way in groups:
            if isinstance(way, CccError):
                self._settle(delivery, tuple(unanswered(path, way) for path in paths))
            else:
                self._send(self._lanes.setdefault(key(way), Lane(way)), delivery, paths)

    def _send(self, lane: Lane, delivery: Delivery, paths: tuple[Mailbox, ...]) -> None:
        """Give a part of a delivery to a lane."""
        require = any(not isinstance(leg.demand, CccError) and leg.demand.require_tls for leg in lane.legs)
        part = parcel(delivery, paths, self._read, first=delivery not in self._begun, require_tls=require)
        self._begun.add(delivery)
        self._parts[part] = _Part(delivery, len(paths))
        try:
            if lane.add(part, self._route.per_domain):
                self._couriers.start(partial(self._job, lane))
        except CccError as error:  # the lane is closed
            self._take((given_up(part, error),), silent=isinstance(error, NoHost) and error.silent)

    def _job(self, lane: Lane) -> Callable[[], None]:
        """A courier for this lane, with a bell of its own."""
        bell, manner = Bell(), self._route.manner
        self._bells.add(bell)
        name = lane.legs[0].host.name or lane.legs[0].host.addresses[0]
        transcript = Transcript(partial(self._write_down, name)) if manner.transcript else None
        manner = manner._replace(transcript=transcript, interrupts=bell)
        kit = Kit(manner, self._route.port, self._greeting.name, self._witness is not None)
        courier = Courier(lane, self, kit)

        def job() -> None:
            try:
                courier.run()
            finally:
                self._post.put(partial(self._hang_up, bell))

        return job

    def _hang_up(self, bell: Bell) -> None:
        self._bells.discard(bell)
        bell.close()

    # what is heard

    def _listen(self, seconds: float | None) -> None:
        """Do what the post asks for; pass on a signal."""
        interrupts = self._route.manner.interrupts
        items, signal = self._post.take(seconds, interrupts)
        if signal and interrupts is not None:
            interrupts.drain()
            self._interrupt(interrupts.as_error())
        self._hear(items)
        if self._bug is not None:
            raise self._bug

    def _hear(self, items: Iterable[Callable[[], None]]) -> None:
        """Do what was asked for; what goes wrong with one keeps no other from being done."""
        for item in items:
            try:
                item()
            except Exception as bug:  # noqa: BLE001  # raised when all of them were heard
                self._broken(bug)

    def _interrupt(self, error: Interrupted) -> None:
        """A signal has come: each courier decides what is still safe, and nothing more is begun."""
        for bell in self._bells:
            bell.ring(error)
        self._stop(error)

    def _stop(self, error: CccError) -> None:
        """Nothing more is begun; what nobody has begun with is given up."""
        if self._over is None:
            self._over = error
        self._couriers.dismiss()
        for lane in self._lanes.values():
            self._take(tuple(given_up(each, self._over) for each in lane.close(self._over)))
        self._hand_out(self._sorter.stop(self._over))
        self._let_go()

    def _let_go(self) -> None:
        """Tell what was held back as it is."""
        silent, self._silent = self._silent, []
        for each in silent:
            self._settle(each.delivery, each.outcomes)

    def _release(self) -> None:
        """Tell of hosts that nothing was heard of, once it is known whether that is so of all hosts."""
        if not self._silent:
            return
        if self._reached:
            self._let_go()
        elif self._couriers.idle and self._lookups.idle and self._sorter.idle and not self._more_to_come():
            self._silent = [
                Settled(each.delivery, tuple(map(blocked, each.outcomes))) for each in self._silent
            ]
            self._let_go()

    def _more_to_come(self) -> bool:
        return not (self._exhausted or self._over is not None or len(self._open) >= AHEAD)

    def _take(self, news: tuple[Settled, ...], *, silent: bool = False) -> None:
        """What became of recipients of parts, as that of recipients of deliveries."""
        for part, outcomes in news:
            delivery, open_ = self._parts[part]
            if open_ == len(outcomes):
                del self._parts[part]
            else:
                self._parts[part] = _Part(delivery, open_ - len(outcomes))
            if silent:
                self._silent.append(Settled(delivery, outcomes))
            else:
                self._settle(delivery, outcomes)

    def _settle(self, delivery: Delivery, outcomes: tuple[Outcome, ...]) -> None:
        self._known.append(Settled(delivery, outcomes))
        self._open[delivery] -= len(outcomes)
        if not self._open[delivery]:
            del self._open[delivery]
            self._begun.discard(delivery)

    def _note(self, noted: tuple[Noted, ...], wish: Wish[None]) -> None:
        """Note what a courier is about to say; it waits until that is on the disk."""
        self._wishes.append(wish)
        if self._witness is not None and self._failed is None:
            for part, paths, stage in noted:
                self._witness.note(self._parts[part].delivery, paths, stage)

    def _secure(self) -> None:
        """Bring to the disk what couriers wait for, all at once; if that fails, nothing more is sent."""
        wishes, self._wishes = self._wishes, []
        if not wishes:
            return
        if self._witness is not None and self._failed is None:
            try:
                self._witness.secure()
            except StateError as error:
                self._failed = error
                self._stop(JournalFailed(error.what, error.cure))
        for wish in wishes:
            if self._failed is not None:
                wish.refuse(self._failed)
            else:
                wish.grant()

    def _say(self, finding: str) -> None:
        if finding not in self._told:
            self._told.add(finding)
            self._route.tell(finding)

    def _write(self, name: str, line: str) -> None:
        """Show a line of a session; where there are several at once, it says of which."""
        if self._route.manner.transcript is not None:
            shown = line if len(self._lanes) == 1 else f"{name} {line}"
            self._route.manner.transcript.write(shown)

    def _broken(self, bug: BaseException) -> None:
        self._bug = self._bug or bug

    def _close(self) -> None:
        """End what still runs, when nobody listens any more or something broke."""
        if not self._couriers.idle:
            self._failed = self._failed or StateError("the run was broken off")
            self._interrupt(Interrupted("the run was broken off", 0))
            self._interrupt(Interrupted("the run was broken off", 0))
        while self._couriers.running:
            self._secure()
            self._hear(self._post.take(None, None)[0])
        self._post.close()

    # what couriers say and ask, in their threads

    def settled(self, news: tuple[Settled, ...], *, silent: bool = False) -> None:
        """Hear what became of recipients; `silent`: no host was heard of."""
        self._post.put(lambda: self._take(news, silent=silent))

    def secure(self, noted: tuple[Noted, ...]) -> None:
        """Bring this to the disk; StateError if that cannot be."""
        wish: Wish[None] = Wish(lambda: None)
        self._post.put(lambda: self._note(noted, wish))
        wish.wait()

    def reached(self) -> None:
        """Hear that the network let a connection through, or said no."""
        self._post.put(lambda: setattr(self, "_reached", True))

    def tell(self, finding: str) -> None:
        """Hear what the user should know."""
        self._post.put(lambda: self._say(finding))

    def _read(self, do: Callable[[], tuple[bytes, bool]]) -> tuple[bytes, bool]:
        wish = Wish(do)
        self._post.put(wish.grant)
        return wish.wait()

    def _write_down(self, name: str, line: str) -> None:
        self._post.put(lambda: self._write(name, line))


def _routed(address: str) -> bool:
    """Whether there is a route to an address; nothing is sent to find out."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 25))
    except OSError:
        return False
    return True
