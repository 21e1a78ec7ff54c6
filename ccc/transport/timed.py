"""A socket that never blocks, as http.client wants one: with a deadline for all that is said over it."""

import io
import time
from select import POLLIN, POLLOUT, poll
from typing import TYPE_CHECKING

from ccc.errors import LinkError

if TYPE_CHECKING:
    from ccc.transport.link import Socket


class Timed:
    """A socket whose last octet must have come by a time (of time.monotonic()); LinkError if it has not."""

    def __init__(self, socket: "Socket", deadline: float) -> None:
        self._socket = socket
        self._deadline = deadline

    def sendall(self, octets: bytes) -> None:
        """Hand over all of it."""
        rest = memoryview(octets)
        while rest:
            try:
                rest = rest[self._socket.send(rest) :]
            except BlockingIOError:
                self._wait(POLLOUT)

    def recv(self) -> bytes:
        """Some octets; b"" at the end."""
        while self._left() > 0:
            try:
                return self._socket.recv(1 << 14)
            except BlockingIOError:
                self._wait(POLLIN)
        raise _too_slow()

    def _left(self) -> float:
        return self._deadline - time.monotonic()

    def _wait(self, event: int) -> None:
        waiting = poll()
        waiting.register(self._socket.fileno(), event)
        if not waiting.poll(max(self._left(), 0) * 1000):
            raise _too_slow()

    def makefile(self, _mode: str) -> io.BufferedReader:
        """What it says, as a file."""
        return io.BufferedReader(_Stream(self))

    def close(self) -> None:
        """Nothing: http.client calls it when the head of an answer is read."""


def _too_slow() -> LinkError:
    return LinkError("it is too slow")


class _Stream(io.RawIOBase):
    """The octets of a Timed."""

    def __init__(self, timed: Timed) -> None:
        self._timed = timed
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # what io hands in
        self._rest = self._rest or self._timed.recv()
        part, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)
