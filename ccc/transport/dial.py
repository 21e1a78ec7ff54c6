"""Opening a connection: names to addresses, IPv6 and IPv4 in turn, the next one when one fails or is slow."""

import errno
import socket
import time
from collections import deque
from collections.abc import Sequence
from select import POLLIN, POLLOUT, poll

from ccc.errors import LinkError
from ccc.transport.interrupts import Interrupts

STAGGER = 0.25  # seconds until the next address is tried beside a slow one (RFC 8305, 5)

Address = tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int]]


def look_up(host: str, port: int) -> list[Address]:
    """The addresses of a host in the order to try them; LinkError if there are none.

    It is the user's own server, whose name may only be unknown for now: nothing is refused for that.
    """
    try:
        # As octets: for a str Python imports its IDNA 2003 codec, even if all of it is ASCII.
        found = socket.getaddrinfo(host.encode("ascii"), port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        why = (error.strerror or str(error)).lower()
        raise LinkError(f"cannot look up {host}: {why}", "check the server's name and the network") from error
    except UnicodeError as error:
        raise LinkError(f"{host} is no host name", "check the server's name") from error
    return interleave([(family, place) for family, _, _, _, place in found if isinstance(place[0], str)])


def interleave(addresses: Sequence[Address]) -> list[Address]:
    """The addresses with their families in turn, the family of the first one first (RFC 8305, 4)."""
    first = [each for each in addresses if each[0] == addresses[0][0]]
    other = [each for each in addresses if each[0] != addresses[0][0]]
    order: list[Address] = []
    while first or other:
        order += first[:1] + other[:1]
        first, other = first[1:], other[1:]
    return order


def connect_path(path: str) -> socket.socket:
    """A connection to a socket in the file system; LinkError if nobody takes it."""
    local = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    local.setblocking(False)  # else it would wait for as long as the server has too many callers: unix(7)
    try:
        local.connect(path)
    except OSError as error:
        local.close()
        raise LinkError(
            f"no connection to {path}: {error.strerror or error}", "check the path of the socket"
        ) from error
    return local


def shown(address: tuple[str, int] | tuple[str, int, int, int]) -> str:
    """An address and port for eyes."""
    host, port = address[:2]
    return f"[{host}]:{port}"


class Silent(LinkError):
    """No address refused the connection, and none took it within its time."""


class Dial:
    """Connections that are being made at the same time to the addresses of one host; the first one wins.

    The first of them begins with `begin`, or else with `connected`.
    """

    def __init__(
        self, addresses: Sequence[Address], seconds: float, interrupts: Interrupts | None = None
    ) -> None:
        self._left = deque(addresses)
        self._begun: dict[int, Address] = {}  # those of the connections that are being made
        self._overtaken: tuple[Address, ...] = ()
        self._winner: socket.socket | None = None
        self._reason = "timed out"
        self._refused = False  # some address gave an answer, or the network did
        self._names: list[str] = []
        self._seconds = seconds
        self._running: dict[int, tuple[socket.socket, float]] = {}
        self._poll = poll()
        self._interrupts = interrupts
        if interrupts is not None:
            self._poll.register(interrupts.fileno(), POLLIN)

    @property
    def left(self) -> tuple[Address, ...]:
        """The addresses of which nothing is known: not tried, or overtaken by the one that answered."""
        return (*self._overtaken, *self._left)

    def begin(self) -> None:
        """Begin with the next address, and wait for nothing."""
        if self._left and self._winner is None:
            self._winner = self._start(self._left.popleft())

    def connected(self) -> socket.socket:
        """The connection; LinkError if no address answers."""
        try:
            while self._left and self._winner is None:
                self.begin()
                self._winner = self._winner or self._wait(STAGGER)
            winner = self._winner or self._wait(self._seconds)
        except BaseException:
            self.close()
            raise
        self._winner = None
        self._overtaken = tuple(self._begun[each] for each in self._running)
        self.close()
        if winner is None:
            tried = ", ".join(self._names)
            kind = LinkError if self._refused else Silent
            raise kind(f"no connection to {tried}: {self._reason}", "check host, port and network")
        return winner

    def close(self) -> None:
        """End the connections that nobody has taken."""
        for runner, _ in self._running.values():
            runner.close()
        self._running.clear()
        if self._winner is not None:
            self._winner.close()

    def _start(self, address: Address) -> socket.socket | None:
        """Begin to connect; the socket, if that took no time."""
        family, where = address
        self._names.append(shown(where))
        try:
            runner = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:  # a host without IPv6 may know of IPv6 addresses all the same
            self._reason = str(error.strerror).lower()
            self._refused = True
            return None
        runner.setblocking(False)
        # Commands are written whole: waiting for more only delays them.
        runner.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        status = runner.connect_ex(where)
        if status == 0:
            return runner
        if status != errno.EINPROGRESS:
            self._lose(runner, status)
            return None
        self._running[runner.fileno()] = (runner, time.monotonic() + self._seconds)
        self._begun[runner.fileno()] = address
        self._poll.register(runner, POLLOUT)
        return None

    def _wait(self, seconds: float) -> socket.socket | None:
        """The winner, if there is one before `seconds` have passed; None at once if all have failed."""
        until = time.monotonic() + seconds
        while self._running:
            now = time.monotonic()
            for runner, deadline in tuple(self._running.values()):
                if deadline <= now:
                    self._forget(runner)
                    self._lose(runner, errno.ETIMEDOUT)
            if now >= until:
                return None
            for descriptor, _ in self._poll.poll((until - now) * 1000):
                if self._interrupts is not None and descriptor == self._interrupts.fileno():
                    self._interrupts.drain()
                    raise self._interrupts.as_error()
                runner = self._running[descriptor][0]
                self._forget(runner)
                status = runner.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if status == 0:
                    return runner
                self._lose(runner, status)
        return None

    def _forget(self, runner: socket.socket) -> None:
        self._poll.unregister(runner)
        del self._running[runner.fileno()]

    def _lose(self, runner: socket.socket, status: int) -> None:
        import os

        self._reason = os.strerror(status).lower()
        self._refused = self._refused or status != errno.ETIMEDOUT
        runner.close()
