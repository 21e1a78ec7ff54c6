"""Opening a connection: names to addresses, IPv6 and IPv4 in turn, the next one when one fails or is slow."""

import errno
import socket
import time
from collections.abc import Sequence
from select import POLLIN, POLLOUT, poll

from ccc.errors import DomainError, LinkError, TryLaterError
from ccc.transport.interrupts import Interrupts

STAGGER = 0.25  # seconds until the next address is tried beside a slow one (RFC 8305, 5)

Address = tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int]]


def look_up(host: str, port: int) -> list[Address]:
    """The addresses of a host in the order to try them; DomainError if there is no such host."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)):
            raise DomainError(f"there is no host {host}", "check the name in the --smtp URL") from error
        raise TryLaterError(
            f"cannot look up {host} now: {error.strerror}", "check the network, then run it again"
        ) from error
    except UnicodeError as error:
        raise DomainError(f"{host} is no host name", "check the name in the --smtp URL") from error
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


def connect(
    addresses: Sequence[Address], seconds: float, interrupts: Interrupts | None = None
) -> socket.socket:
    """A connection to the first address that answers, each given `seconds`; LinkError if none does."""
    race = _Race(seconds, interrupts)
    try:
        for address in addresses:
            winner = race.start(address) or race.wait(STAGGER)
            if winner is not None:
                return winner
        winner = race.wait(seconds)
    finally:
        race.close()
    if winner is None:
        raise LinkError(
            f"no connection to {race.tried}: {race.reason}", "check host, port and network, then run it again"
        )
    return winner


def connect_path(path: str) -> socket.socket:
    """A connection to a socket in the file system."""
    local = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        local.connect(path)
    except OSError as error:
        local.close()
        raise LinkError(
            f"no connection to {path}: {error.strerror}", "check the path of the socket"
        ) from error
    local.setblocking(False)
    return local


def shown(address: tuple[str, int] | tuple[str, int, int, int]) -> str:
    """An address and port for eyes."""
    host, port = address[:2]
    return f"[{host}]:{port}"


class _Race:
    """Connections that are being made at the same time; the first one wins."""

    def __init__(self, seconds: float, interrupts: Interrupts | None) -> None:
        self.reason = "timed out"
        self._names: list[str] = []
        self._seconds = seconds
        self._running: dict[int, tuple[socket.socket, float]] = {}
        self._poll = poll()
        self._interrupts = interrupts
        if interrupts is not None:
            self._poll.register(interrupts.fileno(), POLLIN)

    @property
    def tried(self) -> str:
        """The addresses that were tried."""
        return ", ".join(self._names)

    def start(self, address: Address) -> socket.socket | None:
        """Begin to connect; the socket, if that took no time."""
        family, where = address
        self._names.append(shown(where))
        runner = socket.socket(family, socket.SOCK_STREAM)
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
        self._poll.register(runner, POLLOUT)
        return None

    def wait(self, seconds: float) -> socket.socket | None:
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

    def close(self) -> None:
        """End the connections that did not win."""
        for runner, _ in self._running.values():
            runner.close()

    def _forget(self, runner: socket.socket) -> None:
        self._poll.unregister(runner)
        del self._running[runner.fileno()]

    def _lose(self, runner: socket.socket, status: int) -> None:
        import os

        self.reason = os.strerror(status).lower()
        runner.close()
