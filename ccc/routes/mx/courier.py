"""A courier: takes the parcels of one lane to its hosts, in a thread of its own.

RFC 5321, 5.1 orders the tries: the addresses of a host, then the next host. Whoever does not take the
connection, greet, or offer the TLS that is asked for, is passed over; so is a host that was lost before it
could have the message. A reply to MAIL, RCPT or DATA is the last word; what is in doubt goes nowhere else.
"""

import socket
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple, Protocol

from ccc.address import Mailbox
from ccc.delivery import Delivery, Settled, Stage
from ccc.errors import CccError, ConfigurationError, ExtensionMissing, Interrupted, LinkError, StateError
from ccc.routes.mx.course import Course, Leg
from ccc.routes.mx.failures import Failure, NoHost, no_host
from ccc.routes.mx.lane import Lane, Turn
from ccc.routes.mx.usable import Bounds, flaw
from ccc.routes.session import conversed, left, opened
from ccc.smtp.conversation import Conversation
from ccc.smtp.extensions import Extensions
from ccc.smtp.session import NoStartTLS, Opening, StartTLSPolicy
from ccc.smtp.transaction import Transaction
from ccc.transport.dial import Address, Dial, shown
from ccc.transport.link import Link, Secure, Socket

if TYPE_CHECKING:
    from ccc.routes.mx.demand import Demand
    from ccc.routes.submission import Manner

Noted = tuple[Delivery, tuple[Mailbox, ...], Stage]


class Desk(Protocol):
    """The calling thread, as a courier knows it."""

    def settled(self, news: tuple[Settled, ...], *, silent: bool = False) -> None:
        """Hear what became of recipients; `silent`: no host was heard of."""

    def secure(self, noted: tuple[Noted, ...]) -> None:
        """Bring this to the disk; StateError if that cannot be."""

    def reached(self) -> None:
        """Hear that the network let a connection through, or said no."""

    def tell(self, finding: str) -> None:
        """Hear what the user should know."""


class Kit(NamedTuple):
    """What a courier has with it; the manner has the transcript and the signals of this courier."""

    manner: "Manner"
    port: int
    helo: Callable[[str], str]  # our name for a connection from this address of ours
    witnessed: bool  # somebody keeps on disk how far it has come


class Session(NamedTuple):
    """An open session: its link, what the server offers, the host, its name for the outcomes."""

    link: Link
    server: Extensions
    host: str
    hop: str


class Courier:
    """See the module."""

    def __init__(self, lane: Lane, desk: Desk, kit: Kit) -> None:
        self._lane = lane
        self._desk = desk
        self._kit = kit
        self._turn = Turn(lane)

    def run(self) -> None:
        """Take parcels until there are none, or none can be delivered any more."""
        rest, tries = tuple[Transaction, ...](), Tries(self._lane.legs)
        while rest or not self._turn.ended():
            try:
                session = self._open(tries)
            except CccError as error:
                self._give_up(rest, error)
                return
            conversation = self._conversation(session)
            for news in conversed(conversation, session.link, self._turn, rest):
                self._desk.settled(news)
            rest = conversation.rest
            if conversation.ended_by is not None:
                self._give_up(rest, conversation.ended_by)
                return
            if conversation.fruitful:
                tries = Tries(self._lane.legs)
            elif conversation.moved_by is not None:
                tries.failures.append(Failure(session.host, conversation.moved_by))

    def _conversation(self, session: Session) -> Conversation:
        """What is said over one connection."""
        return Conversation(
            session.server,
            window=self._kit.manner.window,
            said=session.link.written,
            hop=session.hop,
            ending=self._turn.ended,
            another=lambda: True,
            elsewhere=True,
        )

    def _give_up(self, begun: Iterable[Transaction], error: CccError) -> None:
        """Nothing goes this course any more."""
        waiting = self._lane.close(error)
        self._turn.ended()
        silent = isinstance(error, NoHost) and error.silent
        for news in left(begun, waiting, error):
            self._desk.settled(news, silent=silent)

    def _open(self, tries: "Tries") -> Session:
        """A session with the first host that is to be had."""
        while (leg := tries.next()) is not None:
            try:
                session = self._session(leg, tries)
            except (Interrupted, StateError, ConfigurationError):
                raise
            except _Again as again:
                tries.first(again.leg)
                continue
            except CccError as error:
                tries.failures.append(failure := _failure(leg, error))
                if failure.asked and not failure.silent:
                    self._desk.reached()
                continue
            self._desk.reached()
            return session
        raise no_host(tries.failures)

    def _session(self, leg: Leg, tries: "Tries") -> Session:
        """A session with this host at one of its addresses; the others are tried after it."""
        if isinstance(leg.demand, CccError):
            raise leg.demand
        dial = Dial(
            [_address(each, self._kit.port) for each in leg.addresses],
            self._kit.manner.timeouts.connect,
            self._kit.manner.interrupts,
        )
        connected = dial.connected()
        if dial.left:
            tries.first(leg._replace(addresses=tuple(str(where[0]) for _, where in dial.left)))
        try:
            ours, theirs = connected.getsockname(), connected.getpeername()
        except OSError as error:
            connected.close()
            raise LinkError(f"the connection to {_name(leg)} was lost at once") from error
        if why := flaw(theirs[0], self._bounds):  # whatever the DNS said before
            connected.close()
            raise LinkError(f"the connection to {_name(leg)} leads to {theirs[0]}, {why}")
        return self._greeted(connected, leg, str(ours[0]), theirs)

    @property
    def _bounds(self) -> Bounds:
        return Bounds(self._kit.manner.allow_private, self._kit.manner.allow_loopback)

    def _greeted(self, connected: socket.socket, leg: Leg, ours: str, theirs: tuple[str, int]) -> Session:
        """The session on a connection, under the TLS that is asked for."""
        demand = leg.demand
        assert not isinstance(demand, CccError)  # noqa: S101  # the caller has looked
        where = f"{leg.host.name} {shown(theirs)}".lstrip()
        guard = Guard(demand.secure(self._kit.manner.interrupts))
        try:
            link, server = opened(
                connected,
                where,
                Opening(self._kit.helo(ours), demand.starttls),
                self._kit.manner,
                secure=guard,
                witness=_Witness(self._desk) if self._kit.witnessed else None,
            )
        except LinkError as error:
            if other := otherwise(demand, error, failed=guard.failed):
                if other.starttls is StartTLSPolicy.NEVER:
                    self._desk.tell(f"{_name(leg)} is spoken to in clear: {error.what}")
                raise _Again(leg._replace(addresses=(theirs[0],), demand=other)) from error
            if isinstance(error, NoStartTLS):
                raise LinkError(f"{error.what}{demand.reason}", error.cure) from error
            raise
        if demand.require_tls and not server.require_tls:  # RFC 8689, 4.2.1
            link.close()
            raise ExtensionMissing(
                "REQUIRETLS", "--require-tls was asked for", "leave out --require-tls, or use another way"
            )
        return Session(link, server, _name(leg), f"{where}, {guard.how}")


class Tries:
    """The hosts that are still to be tried, and what became of the others."""

    def __init__(self, legs: Course) -> None:
        self.failures: list[Failure] = []
        self._left = deque(leg for leg in legs if leg.addresses or isinstance(leg.demand, CccError))

    def next(self) -> Leg | None:
        """The next one."""
        return self._left.popleft() if self._left else None

    def first(self, leg: Leg) -> None:
        """Try this one before the others."""
        self._left.appendleft(leg)


class _Again(CccError):
    """The same address is to be tried once more, as `leg` has it."""

    def __init__(self, leg: Leg) -> None:
        super().__init__("")
        self.leg = leg


class Guard:
    """Puts TLS on a connection, and remembers how it went."""

    def __init__(self, secure: Secure) -> None:
        self.how = "in clear"
        self.failed = False
        self._secure = secure

    def __call__(self, plain: Socket, deadline: float, /) -> tuple[Socket, str]:
        """Do the handshake before the deadline (of time.monotonic())."""
        self.failed = True
        secured, self.how = self._secure(plain, deadline)
        self.failed = False
        return secured, self.how


class _Witness:
    """The witness, who is in the calling thread."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._noted: list[Noted] = []

    def note(self, delivery: Delivery, forward_paths: tuple[Mailbox, ...], stage: Stage) -> None:
        """Keep it until it is brought to the disk."""
        self._noted.append((delivery, forward_paths, stage))

    def secure(self) -> None:
        """Bring it to the disk; StateError if that cannot be."""
        noted, self._noted = tuple(self._noted), []
        self._desk.secure(noted)


def otherwise(demand: "Demand", error: LinkError, *, failed: bool) -> "Demand | None":
    """What is asked for on another connection to the same address, if TLS failed only on this one."""
    from ccc.transport.tls import AnchorFound

    if isinstance(error, AnchorFound):
        return None if demand.trust.anchors else demand.anchored(error.anchors)
    if failed and demand.starttls is StartTLSPolicy.OPPORTUNISTIC:  # RFC 7435, 3: better than nothing
        return demand._replace(starttls=StartTLSPolicy.NEVER)
    return None


def _failure(leg: Leg, error: CccError) -> Failure:
    return Failure(_name(leg), error, asked=not isinstance(leg.demand, CccError))


def _name(leg: Leg) -> str:
    return leg.host.name or leg.host.addresses[0]


def _address(text: str, port: int) -> Address:
    return (socket.AF_INET6, (text, port, 0, 0)) if ":" in text else (socket.AF_INET, (text, port))
