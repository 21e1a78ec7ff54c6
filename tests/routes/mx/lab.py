"""Mail hosts on addresses of this host, and the DNS that leads to them.

    with Hosts() as hosts:
        hosts.sink(1), hosts.sink(2, verbs={"GREETING": "421 busy"})
        hosts.domain("b.test", (10, 2), (20, 1))       # b.test has host 2, then host 1
        way = hosts.route()

Host n is hn.test at 127.0.1.n; all of them listen on one port. A host that is named and not made refuses the
connection.
"""

import socket
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from ccc.address import Mailbox
from ccc.delivery import Delivery
from ccc.envelope import Envelope
from ccc.resolver import Resolver
from ccc.routes.mx.route import Mx
from ccc.routes.submission import Manner
from ccc.transport.timeouts import Timeouts
from tests.lab.dns import Dns
from tests.lab.fault import FaultServer
from tests.lab.sink import Sink
from tests.smtp.play import HELLO, ME, Text, judged, told

QUICK = Timeouts().at_most(5)


def address(number: int) -> str:
    return f"127.0.1.{number}"


class Hosts:
    """See the module."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._port = 0
        self._zone: list[str] = []
        self._moods: dict[str, str] = {}
        self._named: set[int] = set()
        self._dns: Dns | None = None
        self.sinks: dict[int, Sink] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def port(self) -> int:
        if not self._port:
            with Sink() as free:
                self._port = free.port
        return self._port

    def sink(self, number: int, extensions: tuple[str, ...] = (), **how) -> Sink:
        """Make host `number`."""
        sink = Sink(extensions, host=address(number), port=self._port, **how)
        self._port = sink.port
        self.sinks[number] = self._stack.enter_context(sink)
        return sink

    def fault(self, number: int, *dialogues, **how) -> FaultServer:
        """Make host `number`, which does this."""
        server = FaultServer(*dialogues, host=address(number), port=self._port, **how)
        self._port = server.port
        return self._stack.enter_context(server)

    def silent(self, number: int) -> None:
        """Make host `number`, which never answers: too many already wait for it to take their connections."""
        listening = self._stack.enter_context(socket.socket())
        listening.bind((address(number), self.port))
        listening.listen(0)
        for _ in range(3):
            waiting = self._stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())

    def domain(self, name: str, *hosts: tuple[int, int]) -> None:
        """Give a domain these hosts, each with its preference."""
        for preference, number in hosts:
            self._zone.append(f"{name}. IN MX {preference} h{number}.test.")
            if number not in self._named:
                self._named.add(number)
                self._zone.append(f"h{number}.test. IN A {address(number)}")

    def say(self, *lines: str) -> None:
        """More of the zone."""
        self._zone += lines

    def mood(self, name: str, mood: str) -> None:
        """Have the DNS treat this name otherwise."""
        self._moods[name] = mood

    def calm(self) -> None:
        """Have the DNS say the truth again."""
        self._dns.moods.clear()

    @property
    def resolver(self) -> Resolver:
        if self._dns is None:
            self._dns = self._stack.enter_context(Dns("\n".join(self._zone), moods=self._moods))
        return Resolver(self._dns.address)

    @property
    def asked(self) -> list:
        return self._dns.asked

    def manner(self, **manner) -> Manner:
        manner = {"timeouts": QUICK, "helo": "me.test", "allow_loopback": True, **manner}
        return Manner(**manner)

    def route(self, *, manner: Manner | None = None, **how) -> Mx:
        how = {"host": lambda: "", "shuffle": lambda _: None, **how}
        return Mx(self.resolver, manner or self.manner(), port=self.port, **how)


def mail(*people: str, content: Text = HELLO, **how) -> Delivery:
    """A delivery to these addresses; the local parts of all people in a test are different."""
    paths = tuple(Mailbox(*person.split("@")) for person in people)
    return Delivery(Envelope(ME, paths), content, **how)


def outcomes(way: Mx, *deliveries: Delivery, witness=None) -> dict:
    return judged(told(way.deliver(deliveries, witness)), deliveries)[1]


def fates(way: Mx, *deliveries: Delivery, witness=None) -> dict[str, str]:
    """State of each recipient by local part; exactly one each."""
    return judged(told(way.deliver(deliveries, witness)), deliveries)[0]
