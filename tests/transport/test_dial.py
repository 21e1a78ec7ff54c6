"""Opening a connection: which address is tried when, and what is said if none answers."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ccc.errors import Interrupted, LinkError
from ccc.transport.dial import Dial, Silent, connect_path, interleave, look_up, shown
from tests.transport.signals import Signals

SIX, FOUR = socket.AF_INET6, socket.AF_INET


@contextmanager
def listening(backlog: int = 5) -> Iterator[tuple]:
    """The address of a socket that listens."""
    with socket.create_server(("127.0.0.1", 0), backlog=backlog) as server:
        yield FOUR, server.getsockname()


@contextmanager
def silent() -> Iterator[tuple]:
    """An address that neither takes nor refuses a connection: its queue is full."""
    with listening(backlog=0) as (family, where):
        callers = [socket.socket() for _ in range(3)]
        for caller in callers:
            caller.setblocking(False)
            caller.connect_ex(where)
        yield family, where
        for caller in callers:
            caller.close()


@contextmanager
def closed() -> Iterator[tuple]:
    """An address that refuses connections."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield FOUR, reserved.getsockname()


def peer(*addresses, seconds: float = 5, interrupts=None) -> tuple:
    with Dial(addresses, seconds, interrupts).connected() as connected:
        return connected.getpeername()


@pytest.mark.parametrize(
    ("order", "wanted"),
    [
        ("", ""),
        ("4", "4"),
        ("44", "44"),
        ("6644", "6464"),
        ("4466", "4646"),
        ("66664", "64666"),
        ("46666", "46666"),
    ],
)
def test_the_families_take_turns_beginning_with_the_first(order, wanted):  # RFC 8305, 4
    families = {"4": FOUR, "6": SIX}
    addresses = [(families[each], (str(place), 25)) for place, each in enumerate(order)]
    mixed = interleave(addresses)
    assert [family for family, _ in mixed] == [families[each] for each in wanted]
    assert sorted(mixed) == sorted(addresses)


def test_the_address_that_answers_is_taken():
    with listening() as address:
        assert peer(address) == address[1]


def test_after_a_refusal_the_next_address_is_tried_at_once():
    begun = time.monotonic()
    with closed() as first, listening() as second:
        assert peer(first, second) == second[1]
    assert time.monotonic() - begun < 0.2


def test_an_address_that_cannot_be_reached_is_passed_over():
    with listening() as address:
        assert peer((FOUR, ("255.255.255.255", 25)), address) == address[1]


def test_a_slow_address_does_not_hold_up_the_next_one():
    begun = time.monotonic()
    with silent() as first, listening() as second:
        assert peer(first, second) == second[1]
    assert 0.2 < time.monotonic() - begun < 2


def test_an_address_of_a_family_that_this_host_lacks_is_passed_over():
    with listening() as address:
        assert peer((socket.AF_APPLETALK, ("::1", 25)), address) == address[1]


def test_if_nobody_answers_every_address_is_named():
    with closed() as first, closed() as second, pytest.raises(LinkError) as caught:
        Dial([first, second], 5).connected()
    for _, where in (first, second):
        assert shown(where) in caught.value.what
    assert "connection refused" in caught.value.what


def test_silence_ends_at_the_deadline():
    begun = time.monotonic()
    with silent() as first, silent() as second, pytest.raises(LinkError, match="timed out"):
        Dial([first, second], 0.1).connected()
    assert time.monotonic() - begun < 1


def test_without_an_address_there_is_no_connection():
    with pytest.raises(LinkError):
        Dial([], 1).connected()


def test_a_signal_ends_the_attempt():
    with Signals(come=True) as signals, silent() as address, pytest.raises(Interrupted):
        Dial([address], 5, signals).connected()


def test_the_connection_never_blocks_and_sends_at_once():
    with listening() as address, Dial([address], 5).connected() as connected:
        assert not connected.getblocking()
        assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_localhost_is_found():
    assert (FOUR, ("127.0.0.1", 25)) in look_up("localhost", 25)


@pytest.mark.parametrize("number", [socket.EAI_NONAME, socket.EAI_NODATA, socket.EAI_AGAIN, socket.EAI_FAIL])
def test_a_name_that_is_not_found_may_be_found_later(monkeypatch, number):
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(number, "Why Not")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(LinkError, match=r"cannot look up mx\.test: why not"):
        look_up("mx.test", 25)


@pytest.mark.parametrize("host", ["a..b", "x" * 70, ".x"])
def test_what_is_no_host_name_is_not_looked_up(host):
    with pytest.raises(LinkError):
        look_up(host, 25)


def test_a_socket_in_the_file_system_is_connected_to(tmp_path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "lmtp"))
        server.listen()
        with connect_path(str(tmp_path / "lmtp")) as connected:
            assert not connected.getblocking()


def test_a_socket_whose_queue_is_full_is_not_waited_for(tmp_path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "lmtp"))
        server.listen(0)
        with connect_path(str(tmp_path / "lmtp")), pytest.raises(LinkError, match="unavailable"):
            connect_path(str(tmp_path / "lmtp"))


@pytest.mark.parametrize("path", ["no/such/socket", "x" * 300])
def test_a_socket_that_is_not_there_is_told(tmp_path, path):
    with pytest.raises(LinkError, match="no connection to"):
        connect_path(str(tmp_path / path))


def test_silence_alone_is_told_from_any_answer():
    with silent() as nobody, closed() as no:
        with pytest.raises(Silent):
            Dial([nobody], 0.05).connected()
        with pytest.raises(LinkError) as caught:
            Dial([no, nobody], 0.05).connected()
    assert not isinstance(caught.value, Silent)


def test_what_was_not_tried_is_left():
    with listening() as first, listening() as second:
        dial = Dial([first, second], 5)
        dial.connected().close()
        assert dial.left == (second,)


def test_what_was_overtaken_is_left_as_well():
    with silent() as slow, listening() as quick:
        dial = Dial([slow, quick], 5)
        dial.connected().close()
        assert dial.left == (slow,)
