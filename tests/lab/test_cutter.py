"""The cutting proxy cuts at the octet."""

import socket

import pytest

from tests.lab.cutter import Cut, Cutter, End, Way
from tests.lab.sink import Sink
from tests.lab.talk import Talk


def heard(sock: socket.socket) -> bytes:
    """All that comes until the end; a reset ends it as well."""
    octets = b""
    try:
        while more := sock.recv(100):
            octets += more
    except ConnectionResetError:
        octets += b" (reset)"
    return octets


def test_without_a_cut_everything_passes_and_is_counted() -> None:
    with Sink() as sink, Cutter(("127.0.0.1", sink.port)) as cutter:
        talk = Talk(cutter.port)
        talk.say(b"EHLO me\r\n")
        talk.say(b"QUIT\r\n")
        talk.close()
    assert cutter.passed == {
        Way.THERE: 15,
        Way.BACK: len(b"220 sink.test ESMTP\r\n250 sink.test\r\n221 2.0.0 bye\r\n"),
    }
    assert sink.sessions[0].wire == b"EHLO me\r\nQUIT\r\n"


@pytest.mark.parametrize("octets", [0, 1, 7, 20])
@pytest.mark.parametrize(("end", "seen"), [(End.FIN, b""), (End.RST, b" (reset)")])
def test_so_many_octets_come_back_and_then_the_link_ends(octets: int, end: End, seen: bytes) -> None:
    with (
        Sink() as sink,
        Cutter(("127.0.0.1", sink.port), Cut(Way.BACK, octets, end)) as cutter,
        socket.create_connection(("127.0.0.1", cutter.port)) as client,
    ):
        assert heard(client) == b"220 sink.test ESMTP\r\n"[:octets] + seen


@pytest.mark.parametrize("octets", [1, 8, 14])
@pytest.mark.parametrize("end", End)
def test_so_many_octets_go_there_and_no_more(octets: int, end: End) -> None:
    with (
        Sink(("PIPELINING",)) as sink,
        Cutter(("127.0.0.1", sink.port), Cut(Way.THERE, octets, end)) as cutter,
        socket.create_connection(("127.0.0.1", cutter.port)) as client,
    ):
        assert client.recv(100)
        client.sendall(b"NOOP\r\nNOOP\r\nNOOP\r\n")
    assert sink.sessions[0].wire == b"NOOP\r\nNOOP\r\nNOOP\r\n"[:octets]


def test_a_stalled_link_stays_open_and_silent() -> None:
    with (
        Sink() as sink,
        Cutter(("127.0.0.1", sink.port), Cut(Way.BACK, 3, End.STALL)) as cutter,
        socket.create_connection(("127.0.0.1", cutter.port)) as client,
    ):
        assert client.recv(100) == b"220"
        client.settimeout(0.05)
        with pytest.raises(TimeoutError):
            client.recv(1)


def test_each_link_is_cut() -> None:
    with Sink() as sink, Cutter(("127.0.0.1", sink.port), Cut(Way.BACK, 3, End.FIN)) as cutter:
        for _ in range(2):
            with socket.create_connection(("127.0.0.1", cutter.port)) as client:
                assert heard(client) == b"220"
