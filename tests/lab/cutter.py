"""A loopback proxy that cuts its links: so many octets pass in one direction, then nothing in either.

    with Cutter(("127.0.0.1", sink.port), Cut(Way.THERE, 120, End.RST)) as cutter:
        ...                                                          # talk to cutter.port
    cutter.passed[Way.THERE], cutter.passed[Way.BACK]

`Way.THERE` is from the client to the server. Each link is cut in the same place; what passed before the cut
has arrived, what is said after it vanishes. Without a cut everything passes, and is counted.
"""

import select
import socket
import struct
from enum import Enum
from typing import NamedTuple

from tests.lab.listener import Listener

BLOCK = 1 << 16
ABORT = struct.pack("ii", 1, 0)  # close() resets the connection: socket(7), SO_LINGER


class Way(Enum):
    """A direction."""

    THERE = "there"
    BACK = "back"


class End(Enum):
    """How a link ends, for both ends of it."""

    FIN = "fin"
    RST = "rst"
    STALL = "stall"  # it does not end: until the client closes it, nothing comes any more


class Cut(NamedTuple):
    """After so many octets in this direction."""

    way: Way
    octets: int
    end: End


class Cutter(Listener):
    """See the module."""

    def __init__(self, to: tuple[str, int], cut: Cut | None = None) -> None:
        super().__init__()
        self.to, self.cut = to, cut
        self.passed = dict.fromkeys(Way, 0)  # of the last link

    def play(self, sock: socket.socket, number: int) -> None:
        with socket.create_connection(self.to) as server:
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                if self._pass_on(sock, server) and self.cut:
                    _end(sock, server, self.cut.end)
            except OSError:
                pass  # the other end was quicker

    def _pass_on(self, client: socket.socket, server: socket.socket) -> bool:
        """Pass octets on; whether it ended with the cut, and not because the client or the server left."""
        self.passed = dict.fromkeys(Way, 0)
        flows = {client: (server, Way.THERE), server: (client, Way.BACK)}
        while self._left(Way.THERE) and self._left(Way.BACK):
            ready, _, _ = select.select([*flows], [], [])
            source = ready[0]
            sink, way = flows[source]
            octets = source.recv(self._left(way))
            if not octets:
                return False
            sink.sendall(octets)
            self.passed[way] += len(octets)
        return True

    def _left(self, way: Way) -> int:
        """How many octets may still pass, at most a block."""
        if self.cut is None or self.cut.way is not way:
            return BLOCK
        return min(self.cut.octets - self.passed[way], BLOCK)


def _end(client: socket.socket, server: socket.socket, end: End) -> None:
    """What both ends see of the cut; what the client says from now on vanishes."""
    match end:
        case End.RST:
            for each in (client, server):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
        case End.FIN:
            for each in (client, server):
                each.shutdown(socket.SHUT_WR)
            _drain(server)  # it has understood that this is the end
            _drain(client)
        case End.STALL:
            _drain(client)


def _drain(source: socket.socket) -> None:
    while source.recv(BLOCK):
        pass
