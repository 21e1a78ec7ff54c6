"""The network of the tests' own keeps what is inside apart, and its servers do what they are for."""

import os
import socket

import pytest

from tests.lab.internet import Internet
from tests.lab.namespace import silent

HOST = "203.0.113.7"


def network() -> str:
    """Which network this thread is in."""
    return os.readlink("/proc/thread-self/ns/net")


def test_inside_is_another_network_and_afterwards_all_is_as_before(internet: Internet) -> None:
    before = network()
    with internet.inside():
        inside = network()
    assert (inside != before, network()) == (True, before)


def test_what_was_begun_inside_stays_there(internet: Internet) -> None:
    with internet.inside():
        server = socket.create_server((HOST, 25))
    with server, internet.inside(), socket.create_connection((HOST, 25), timeout=5) as client:
        assert client.getpeername() == (HOST, 25)


def test_a_port_of_a_host_inside_that_nobody_has_says_so_at_once(internet: Internet) -> None:
    with internet.inside(), pytest.raises(ConnectionRefusedError):
        socket.create_connection((HOST, 26), timeout=5)


def test_a_silent_port_lets_nobody_in_and_nobody_know(internet: Internet) -> None:
    with internet.inside(), silent(HOST, 27), pytest.raises(TimeoutError):
        socket.create_connection((HOST, 27), timeout=0.05)


def test_nobody_is_to_be_reached_from_inside(internet: Internet) -> None:
    with internet.inside(), pytest.raises(OSError, match="unreachable"):
        socket.create_connection(("198.18.0.1", 25), timeout=5)


def test_starttls_is_taken_out_of_what_is_offered_and_nothing_else_is(internet: Internet) -> None:
    with internet.inside():
        direct, stripped = (offers(host) for host in ("192.0.2.11", "192.0.2.17"))
    assert direct - stripped == {b"STARTTLS"}


def offers(host: str) -> set[bytes]:
    """What a mail host offers."""
    with socket.create_connection((host, 25), timeout=5) as sock, sock.makefile("rb") as stream:
        stream.readline()
        sock.sendall(b"EHLO me.test\r\n")
        lines = []
        while (line := stream.readline())[3:4] == b"-":
            lines.append(line)
        return {each[4:].rstrip() for each in (*lines, line)}
