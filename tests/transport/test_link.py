"""A link over real sockets: deadlines, no standstill, and what is still heard when writing has failed."""

import socket
import struct
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ccc.errors import Interrupted, LinkError, LinkLost, ProtocolError
from ccc.smtp.steps import Hear, Say, StartTLS, Wait, ask, hear
from ccc.transport.link import Link, run
from ccc.transport.timeouts import Timeouts
from tests.transport.signals import Signals

QUICK = Timeouts().at_most(0.15)
PATIENT = Timeouts().at_most(10)
MANY = 5000


@contextmanager
def pair(timeouts: Timeouts = PATIENT, **options) -> Iterator[tuple[Link, socket.socket]]:
    """A link, and the server's end of it."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.settimeout(10)
    link = Link(ours, timeouts, **options)
    try:
        yield link, theirs
    finally:
        link.close()
        theirs.close()


@contextmanager
def meanwhile(act) -> Iterator[None]:
    """Do this in a thread, and wait for it at the end."""
    thread = threading.Thread(target=act)
    thread.start()
    try:
        yield
    finally:
        thread.join(10)
        assert not thread.is_alive()


def reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def test_what_is_said_is_written_when_an_answer_is_wanted():
    with pair() as (link, server):
        link.carry_out(Say(b"NOOP\r\n"))
        assert link.written == 0
        server.sendall(b"220 hi\r\n")
        assert link.carry_out(Hear(Wait.GREETING)).reply.code == 220  # it came first: nothing was written
        with meanwhile(lambda: server.sendall(b"250 ok\r\n" if server.recv(100) else b"")):
            heard = link.carry_out(Hear(Wait.COMMAND))
        assert (heard.reply.code, heard.before, heard.written, heard.said) == (250, 6, 6, 6)


def test_a_reply_says_how_much_was_handed_over_when_it_came():
    with pair() as (link, server):
        server.sendall(b"220 hi\r\n250 too early\r\n")
        link.carry_out(Hear(Wait.GREETING))
        link.carry_out(Say(b"NOOP\r\n"))
        heard = link.carry_out(Hear(Wait.COMMAND))
        assert (heard.before, heard.written, heard.said) == (0, 0, 6)


def test_an_answer_before_the_question_is_none():
    with pair() as (link, server):
        server.sendall(b"220 hi\r\n250 too early\r\n")
        link.carry_out(Hear(Wait.GREETING))
        with pytest.raises(ProtocolError, match="before it was asked"):
            run(ask(b"NOOP"), link)


def test_silence_ends_in_a_lost_link():
    with pair(QUICK) as (link, _):
        begun = time.monotonic()
        with pytest.raises(LinkLost, match=r"did not answer within 0\.15 seconds"):
            link.carry_out(Hear(Wait.COMMAND))
        assert 0.1 < time.monotonic() - begun < 1


def test_the_deadline_holds_for_a_whole_reply_however_it_drips():
    over = threading.Event()

    def drip(server: socket.socket) -> None:
        for octet in b"250-" + b"x" * 100:
            if over.wait(0.03):
                return
            server.send(bytes([octet]))

    with pair(QUICK) as (link, server), meanwhile(lambda: drip(server)):
        begun = time.monotonic()
        with pytest.raises(LinkLost):
            link.carry_out(Hear(Wait.COMMAND))
        over.set()
        assert time.monotonic() - begun < 1


def test_after_the_deadline_nothing_more_is_said():
    with pair(QUICK) as (link, server):
        link.carry_out(Say(b"MAIL\r\n"))
        with pytest.raises(LinkLost) as caught:
            link.carry_out(Hear(Wait.MAIL))
        assert caught.value.written == 6
        link.carry_out(Say(b"RCPT\r\n"))
        link.leave()
        assert server.recv(100) == b"MAIL\r\n"
        assert server.recv(100) == b""


def test_a_server_that_takes_nothing_ends_in_a_lost_link():
    with pair(QUICK) as (link, _):
        for _ in range(100):
            link.carry_out(Say(b"x" * 65536))
        with pytest.raises(LinkLost, match="did not take our octets") as caught:
            link.carry_out(Hear(Wait.CONTENT))
        assert caught.value.written == link.written > 0


def test_what_a_server_that_takes_nothing_had_said_is_heard_first():
    with pair(QUICK) as (link, server):
        server.sendall(b"552 5.3.4 too big\r\n")
        for _ in range(100):
            link.carry_out(Say(b"x" * 65536))
        assert link.carry_out(Hear(Wait.CONTENT)).reply.code == 552
        with pytest.raises(LinkLost):
            link.carry_out(Hear(Wait.CONTENT))


def test_neither_side_stands_still_because_the_other_writes():
    """Five thousand pipelined recipients, and a server that reads none before it has answered all."""
    answer = b"250 " + b"y" * 500 + b"\r\n"
    question = b"RCPT TO:<" + b"x" * 80 + b"@b.test>\r\n"

    def serve(server: socket.socket) -> None:
        server.sendall(answer * MANY)
        left = len(question) * MANY
        while left:
            left -= len(server.recv(1 << 20))

    def all_at_once():
        for _ in range(MANY):
            yield Say(question)
        for _ in range(MANY):
            assert (yield from hear(Wait.RCPT)).reply.code == 250

    with pair() as (link, server), meanwhile(lambda: serve(server)):
        run(all_at_once(), link)
        link.leave()


def test_a_server_that_talks_without_end_while_we_write_does_not_fill_the_memory():
    def flood(server: socket.socket) -> None:
        try:
            while True:
                server.sendall(b"250\n" * 20000)
        except OSError:
            return

    tracemalloc.start()
    try:
        with pair() as (link, server), meanwhile(lambda: flood(server)):
            for _ in range(1000):
                link.carry_out(Say(b"x" * 65536))
            with pytest.raises(ProtocolError, match="says more than it is asked"):
                all(link.carry_out(Hear(Wait.COMMAND)) for _ in range(1 << 20))
            assert tracemalloc.get_traced_memory()[1] < 50 << 20
            link.close()
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("end", [socket.socket.close, reset])
def test_what_the_server_said_before_it_went_is_heard_though_writing_failed(end):
    listening = socket.create_server(("127.0.0.1", 0))
    ours = socket.create_connection(listening.getsockname())
    theirs, _ = listening.accept()
    listening.close()
    ours.setblocking(False)
    link = Link(ours, PATIENT)
    theirs.sendall(b"552 5.3.4 too big\r\n")
    end(theirs)
    try:
        for _ in range(100):
            link.carry_out(Say(b"x" * 65536))
        assert link.carry_out(Hear(Wait.CONTENT)).reply.code == 552
        with pytest.raises(LinkLost):
            link.carry_out(Hear(Wait.CONTENT))
    finally:
        link.close()


class Shut:
    """A socket whose other end answers and goes just as something is written to it."""

    def __init__(self, ours: socket.socket, theirs: socket.socket) -> None:
        self.ours, self.theirs = ours, theirs
        self.fileno, self.recv, self.close = ours.fileno, ours.recv, ours.close

    def send(self, octets: memoryview) -> int:
        self.theirs.sendall(b"421 bye\r\n")
        raise BrokenPipeError


def test_what_comes_when_writing_fails_is_heard_too():
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        link = Link(Shut(ours, theirs), PATIENT)
        link.carry_out(Say(b"NOOP\r\n"))
        heard = link.carry_out(Hear(Wait.COMMAND))
        assert (heard.reply.code, heard.written) == (421, 0)


def test_the_end_of_the_connection_is_a_lost_link():
    with pair() as (link, server):
        server.sendall(b"220 hi\r\n")
        server.close()
        assert link.carry_out(Hear(Wait.GREETING)).reply.code == 220
        with pytest.raises(LinkLost, match="closed the connection;"):
            link.carry_out(Hear(Wait.COMMAND))


@pytest.mark.parametrize("cut", [b"2", b"250", b"250 ok", b"250 ok\r", b"250-ok\r\n", b"250-ok\r\n250 o"])
def test_a_reply_that_is_cut_is_a_lost_link(cut):
    with pair() as (link, server):
        server.sendall(cut)
        server.close()
        with pytest.raises(LinkLost, match="in the middle of a reply"):
            link.carry_out(Hear(Wait.CONTENT))


def test_nonsense_after_a_reply_comes_after_it():
    with pair() as (link, server):
        server.sendall(b"220 hi\r\nnonsense\r\n250 ok\r\n")
        assert link.carry_out(Hear(Wait.GREETING)).reply.code == 220
        for _ in range(2):
            with pytest.raises(ProtocolError):
                link.carry_out(Hear(Wait.COMMAND))


def test_a_link_that_is_closed_does_not_say_what_still_waits():
    """It may be the end of a message that was called deferred."""
    with pair() as (link, server):
        link.carry_out(Say(b"BDAT 5 LAST\r\nhello"))
        link.close()
        assert server.recv(100) == b""


def test_a_goodbye_is_still_said():
    with pair() as (link, server):
        link.carry_out(Say(b"QUIT\r\n"))
        link.leave()
        assert server.recv(100) == b"QUIT\r\n"


def test_a_server_that_has_gone_does_not_disturb_a_goodbye():
    with pair() as (link, server):
        server.close()
        link.carry_out(Say(b"QUIT\r\n"))
        link.leave()


def test_a_signal_ends_a_wait_and_what_was_written_stays_known():
    with Signals() as signals, pair(interrupts=signals) as (link, server):
        link.carry_out(Say(b"MAIL\r\n"))
        with (
            meanwhile(lambda: signals.come() if server.recv(100) else None),
            pytest.raises(Interrupted) as caught,
        ):
            link.carry_out(Hear(Wait.MAIL))
        assert caught.value.written == 6
        server.sendall(b"250 ok\r\n")
        assert link.carry_out(Hear(Wait.MAIL)).reply.code == 250  # who wants to know can still hear


def test_a_signal_ends_writing():
    with (
        Signals(come=True) as signals,
        pair(interrupts=signals) as (link, _),
        pytest.raises(Interrupted),
    ):
        link.carry_out(Say(b"x" * 100000))


@pytest.mark.parametrize("early", [b"220 go\r\n250 injected\r\n", b"220 go\r\n250 inj", b"220 go\r\nx"])
def test_what_comes_in_clear_after_the_go_ahead_is_an_attack(early):
    with pair(secure=lambda plain, deadline: (plain, "TLS")) as (link, server):
        server.sendall(early)
        link.carry_out(Hear(Wait.COMMAND))
        with pytest.raises(ProtocolError, match="in clear"):
            link.carry_out(StartTLS())


def test_a_link_without_tls_cannot_begin_it():
    with pair() as (link, _), pytest.raises(TypeError):
        link.carry_out(StartTLS())


def test_a_dialogue_is_told_of_every_error_of_the_link():
    def dialogue():
        try:
            yield from hear(Wait.GREETING)
        except LinkError as error:
            return f"told: {error.what}"

    with pair(QUICK) as (link, _):
        assert run(dialogue(), link) == "told: the server did not answer within 0.15 seconds"


def test_each_wait_has_its_time():
    timeouts = Timeouts(greeting=1, command=2, mail=3, rcpt=4, data=5, content=6)
    assert [timeouts.of(wait) for wait in Wait] == [1, 2, 3, 4, 5, 6]


def test_the_usual_times_are_those_of_the_standard():  # RFC 5321, 4.5.3.2
    usual = Timeouts()
    assert (usual.greeting, usual.mail, usual.rcpt, usual.data, usual.block, usual.content) == (
        300,
        300,
        300,
        120,
        180,
        600,
    )


def test_no_step_takes_longer_than_the_user_says():
    assert set(Timeouts().at_most(5)) == {5}
