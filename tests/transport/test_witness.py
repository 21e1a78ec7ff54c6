"""Nothing is written before a witness has it on disk: a link whose every write is held against the disk.

The socket's other end is a correct server (tests/smtp/model.py) that takes what is sent as it is sent, so
that there is one time line.
"""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from ccc.delivery import Settled, Stage
from ccc.errors import JournalFailed, LinkLost, StateError
from ccc.smtp.conversation import Conversation
from ccc.smtp.steps import Hear, Mark, Say, Wait, hear
from ccc.transport.link import Link, drive, run
from ccc.transport.timeouts import Timeouts
from tests.lab.oracle import violations
from tests.lab.witness import Disk
from tests.smtp.model import Server
from tests.smtp.play import CHUNKING, HELLO, PIPELINING, Text, judged, offering, to

KINDS = {"plain": (), "pipelining": PIPELINING, "chunking": CHUNKING, "chunking alone": ("CHUNKING",)}
BIG = Text(b"Subject: big\r\n\r\n" + b"0123456789abcdef\r\n" * 40000)
BROAD = Text(b"Subject: broad\r\n\r\n" + b"0123456789abcdef\r\n" * 3600)  # a little less than a write
SIZES = {"hello": HELLO, "broad": BROAD, "big": BIG}


class Served:
    """A socket to a server that takes what is sent at once, at most `gulp` octets of it."""

    def __init__(self, server: Server, disk: Disk, *, gulp: int, look: Callable[[], None]) -> None:
        ours, self._theirs = socket.socketpair()
        ours.setblocking(False)
        self.fileno, self.recv = ours.fileno, ours.recv
        self._ours, self._server, self._disk, self._gulp, self._look = ours, server, disk, gulp, look

    def send(self, octets: memoryview) -> int:
        assert not self._disk.failed
        self._look()
        taken = octets[: self._gulp]
        replies = self._server.feed(bytes(taken))
        assert self._disk.lacking(self._server.begun, self._server.taken) == []
        self._theirs.sendall(replies)
        return len(taken)

    def close(self) -> None:
        self._ours.close()
        self._theirs.close()


class Session:
    """Deliveries over such a link; `told` is what was taken at the pauses."""

    def __init__(
        self, kind: str, *deliveries, fails: int = 0, gulp: int = 1 << 20, lmtp: bool = False
    ) -> None:
        self.server, self.disk = Server(lmtp=lmtp), Disk(fails=fails)
        self.told: list[Settled] = []
        self.taken: list[tuple[int, bool]] = []  # how many at each pause, and whether marks were waiting
        self.unrecorded = 0  # at most so many messages were answered and not taken when something was sent
        self.conversation = Conversation(offering(KINDS[kind]), lmtp=lmtp)
        served = Served(self.server, self.disk, gulp=gulp, look=self.look)
        self.link = Link(served, Timeouts().at_most(5), witness=self.disk)
        try:
            for _ in drive(self.conversation.deliver(deliveries), self.link):
                self.take()
        finally:
            self.link.leave()
        self.take()

    def look(self) -> None:
        self.unrecorded = max(self.unrecorded, len(self.server.ledger.entries) - len(self.told))

    def take(self) -> None:
        settled = self.conversation.settled
        if settled:
            self.taken.append((len(settled), self.disk.pending > 0))
        self.told += settled
        settled.clear()


def batch(content: Text, count: int = 6) -> list:
    return [to(f"p{number}", content=content) for number in range(count)]


def untrue(session: Session, deliveries: list) -> list[str]:
    taken = deliveries[: len(session.told)]
    states = [(f"{name}@b.test", state) for name, state in judged(session.told, taken)[0].items()]
    return violations(session.server.ledger, states, named=[name for name, _ in states])


@pytest.mark.parametrize("lmtp", [False, True], ids=["smtp", "lmtp"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_sent_before_it_is_on_disk_and_nothing_after_the_disk_failed(kind, size, lmtp):
    deliveries = batch(SIZES[size])
    for visit in range(1, 20):
        session = Session(kind, *deliveries, fails=visit, lmtp=lmtp)
        assert untrue(session, deliveries) == [], visit
        assert isinstance(session.conversation.ended_by, JournalFailed) is session.disk.failed
        if not session.disk.failed:
            assert len(session.told) == len(deliveries)
            return
    raise AssertionError("it never came to an end")


@pytest.mark.parametrize("kind", KINDS)
def test_a_write_in_many_parts_is_secured_all_the_same(kind):
    deliveries = batch(HELLO)
    for visit in range(1, 20):
        session = Session(kind, *deliveries, fails=visit, gulp=7)
        assert untrue(session, deliveries) == [], visit


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("kind", "unrecorded"), [("plain", 0), ("pipelining", 1), ("chunking", 4)])
def test_no_more_is_answered_and_not_recorded_than_was_unanswered_at_once(kind, unrecorded, size):
    """When we are killed, so many at most are in doubt."""
    assert Session(kind, *batch(SIZES[size], 30)).unrecorded <= unrecorded


@pytest.mark.parametrize(("kind", "visits"), [("plain", 64), ("pipelining", 33), ("chunking", 9)])
def test_a_write_costs_one_visit(kind, visits):
    assert Session(kind, *batch(HELLO, 32)).disk.visits <= visits


def test_what_a_group_came_to_is_told_when_the_next_one_is_noted_and_not_on_disk_yet():
    """So that both can go to the disk together."""
    taken = Session("chunking", *batch(HELLO, 32)).taken
    assert taken == [(4, True)] * 7 + [(4, False)]


# the link alone

X = to("x")
MARK = Mark(X, X.envelope.forward_paths, Stage.SENDING)


@contextmanager
def pair(witness) -> Iterator[tuple[Link, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.settimeout(5)
    link = Link(ours, Timeouts().at_most(0.1), witness=witness)
    try:
        yield link, theirs
    finally:
        link.close()
        theirs.close()


def test_a_mark_alone_costs_nothing():
    disk = Disk()
    with pair(disk) as (link, _):
        link.carry_out(MARK)
        assert disk.visits == 0


def test_what_needs_no_mark_costs_nothing():
    disk = Disk()
    with pair(disk) as (link, server):
        link.carry_out(Say(b"NOOP\r\n"))
        link.soon()
        assert (server.recv(100), disk.visits) == (b"NOOP\r\n", 0)


def test_when_the_disk_fails_it_is_told_how_much_was_handed_over():
    with pair(Disk(fails=1)) as (link, _):
        link.carry_out(Say(b"RSET\r\n"))
        link.soon()
        link.carry_out(MARK)
        link.carry_out(Say(b"MAIL\r\n"))
        with pytest.raises(JournalFailed, match="no space left; make room") as caught:
            link.carry_out(Hear(Wait.MAIL))
        assert caught.value.written == 6
        assert isinstance(caught.value.__cause__, StateError)


@pytest.mark.parametrize("end", [Link.leave, Link.close])
def test_after_that_nothing_is_said_and_what_was_said_is_heard(end):
    with pair(Disk(fails=1)) as (link, server):
        link.carry_out(MARK)
        with pytest.raises(JournalFailed):
            link.carry_out(Say(b"x" * 100000))
        server.sendall(b"250 ok\r\n")
        assert link.carry_out(Hear(Wait.MAIL)).reply.code == 250
        link.carry_out(MARK)
        link.carry_out(Say(b"QUIT\r\n"))
        end(link)
        assert server.recv(100) == b""


def test_a_link_that_is_left_says_nothing_that_is_not_on_disk():
    disk = Disk()
    with pair(disk) as (link, server):
        link.carry_out(MARK)
        link.carry_out(Say(b"MAIL\r\n"))
        link.leave()
        assert (server.recv(100), disk.visits) == (b"", 0)


def test_when_nothing_can_be_said_any_more_nothing_is_noted():
    disk = Disk()
    with pair(disk) as (link, server):
        server.close()
        link.soon()
        link.carry_out(MARK)
        link.carry_out(Say(b"MAIL\r\n"))
        with pytest.raises(LinkLost):
            link.carry_out(Hear(Wait.MAIL))
        assert (disk.pending, disk.visits) == (0, 0)


class Meanwhile(Disk):
    """A disk that takes its time: the server speaks while it writes."""

    server: socket.socket

    def secure(self) -> None:
        super().secure()
        self.server.sendall(b"250 too early\r\n")


@pytest.mark.parametrize("octets", [b"MAIL\r\n", b"x" * 100000], ids=["little", "much"])
def test_what_is_said_during_a_visit_to_the_disk_is_no_answer_to_what_is_written_after_it(octets):
    def dialogue():
        yield MARK
        yield Say(octets)
        return (yield from hear(Wait.MAIL))

    disk = Meanwhile()
    with pair(disk) as (link, server):
        disk.server = server
        assert run(dialogue(), link).before == 0


def test_an_error_of_ours_in_the_witness_lets_nothing_out():
    class Broken(Disk):
        def secure(self) -> None:
            raise ZeroDivisionError

    with pair(Broken()) as (link, server):
        link.carry_out(MARK)
        link.carry_out(Say(b"MAIL\r\n"))
        with pytest.raises(ZeroDivisionError):
            link.soon()
        link.leave()
        assert server.recv(100) == b""


@pytest.mark.parametrize("witness", [None, Disk()])
def test_there_is_a_pause_before_marked_octets_and_before_a_wait(witness):
    """With or without somebody who records, so that results come while a batch goes on."""

    def dialogue():
        yield MARK
        yield Say(b"MAIL\r\n")
        yield Hear(Wait.MAIL)  # pauses before it writes, and as nothing comes
        yield Say(b"RCPT\r\n")
        yield Hear(Wait.RCPT)  # is answered at once
        yield MARK
        yield Say(b"y" * 100000)  # pauses before it writes

    with pair(witness) as (link, server):
        driven, seen = drive(dialogue(), link), []
        for _ in driven:
            seen.append(link.written)
            if len(seen) == 2:
                server.sendall(b"250 ok\r\n250 ok\r\n")
        assert seen == [0, 6, 6]
