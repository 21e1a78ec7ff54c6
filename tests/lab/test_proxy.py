"""The delaying proxy passes everything on, later."""

import socket
import time

import pytest

from tests.lab.child import Child
from tests.lab.proxy import Proxy
from tests.lab.sink import CHUNKING, Sink
from tests.lab.talk import Talk

DELAY = 0.010


def test_a_dialogue_through_it_is_the_same_and_its_round_trips_are_counted() -> None:
    with Sink(CHUNKING) as sink, Proxy(("127.0.0.1", sink.port), DELAY) as proxy:
        talk = Talk(proxy.port)
        talk.say(b"EHLO me\r\n")
        talk.say(b"MAIL FROM:<a@a.test>\r\nRCPT TO:<b@b.test>\r\nBDAT 5 LAST\r\nhello", replies=3)
        talk.say(b"QUIT\r\n")
        talk.close()
    assert [t.content for t in sink.transactions] == [b"hello"]
    (link,) = proxy.links
    assert link.round_trips == 4  # greeting, EHLO, the message, QUIT
    assert bytes(link.sent) == sink.sessions[0].wire
    assert bytes(link.received).startswith(b"220 ")
    assert (link.octets_sent, link.octets_received) == (len(link.sent), len(link.received))


def test_a_round_trip_takes_twice_the_delay() -> None:
    with Sink() as sink, Proxy(("127.0.0.1", sink.port), DELAY) as proxy:
        talk = Talk(proxy.port)
        began = time.monotonic()
        talk.say(b"NOOP\r\n")
        assert time.monotonic() - began >= 2 * DELAY
        talk.close()


def test_an_end_is_passed_on_after_what_came_before_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, Proxy(server.getsockname(), DELAY) as proxy:
        client = socket.create_connection(("127.0.0.1", proxy.port))
        behind, _ = server.accept()
        with client, behind:
            behind.sendall(b"221 bye\r\n")
            behind.shutdown(socket.SHUT_WR)
            assert client.makefile("rb").read() == b"221 bye\r\n"


@pytest.mark.parametrize("size", [1, 100_000, 20_000_000])
def test_big_blocks_come_through_whole(size: int) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    with Sink(CHUNKING) as sink, Proxy(("127.0.0.1", sink.port), DELAY) as proxy:
        talk = Talk(proxy.port)
        talk.say(b"EHLO me\r\n")
        talk.say(b"MAIL FROM:<a@a.test>\r\nRCPT TO:<b@b.test>\r\n", replies=2)
        talk.say(b"BDAT %d LAST\r\n" % size + data[:size])
        talk.close()
    assert sink.transactions[0].content == data[:size]


def test_it_runs_alone_for_benchmarks() -> None:
    with Child("tests.lab.sink", *CHUNKING) as sink, Child("tests.lab.proxy", sink.port, DELAY) as proxy:
        talk = Talk(proxy.port)
        talk.say(b"EHLO me\r\n")
        talk.say(b"MAIL FROM:<a@a.test>\r\nRCPT TO:<b@b.test>\r\nBDAT 5 LAST\r\nhello", replies=3)
        talk.close()
    assert proxy.report["round_trips"] == 3
    assert (sink.report["messages"], sink.report["octets"]) == (1, 5)
