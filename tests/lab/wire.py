"""The server's side of a link: what the client sends, read in big blocks.

Replies are collected and go out in one write when the server has to wait for more input, as a real
server does with a pipelining client; each such write is a *turn*. With `settle` the server first waits
until the client has been silent for so many seconds, so that a turn is a turn however slowly the
client's octets arrive.
"""

import select
import socket
import ssl
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

BLOCK = 1 << 18
END_OF_CONTENT = b"\r\n.\r\n"


class LinkEnded(Exception):
    """The client has gone, or the server was told to stop."""


class Wire:
    """One link. `raw` keeps every octet from the client (in the clear, if TLS is on) unless `keep` is off."""

    def __init__(self, sock: socket.socket, *, keep: bool = True, settle: float = 0.0) -> None:
        self.sock = sock
        self.keep = keep
        self.settle = settle
        self.turns = 0
        self.raw = bytearray()
        self._buffer = b""
        self._at = 0
        self._out: list[bytes] = []
        self._scratch = bytearray(0)

    # what goes out

    def say(self, reply: bytes) -> None:
        """Put a complete reply, with its line end, into the next write."""
        self._out.append(reply)

    def flush(self) -> None:
        """Send what was said: one turn."""
        if self._out:
            data, self._out = b"".join(self._out), []
            self.turns += 1
            self._guard(self.sock.sendall, data)

    # what comes in

    @property
    def unread(self) -> bytes:
        """What has arrived and was not asked for yet."""
        return self._buffer[self._at :]

    def line(self) -> bytes:
        """One line with its line end (LF or CRLF; whoever asks judges)."""
        end = self._buffer.find(b"\n", self._at)
        while end < 0:
            self._fill()
            end = self._buffer.find(b"\n", self._at)
        start, self._at = self._at, end + 1
        return self._buffer[start : end + 1]

    def exactly(self, count: int) -> bytes:
        """`count` octets; nothing, but as many read, if octets are not kept."""
        head = self._buffer[self._at : self._at + count]
        self._at += len(head)
        if len(head) == count:
            return head
        return head + self._direct(count - len(head)) if self.keep else self._drop(count - len(head))

    def dotted(self) -> tuple[bytes, int]:
        """Content up to the lone dot as it came (dots still doubled), and how many octets that was."""
        data = b"\r\n" + self.unread  # the line end of DATA itself
        self._buffer, self._at = b"", 0
        pieces, size = [], -2
        while (end := data.find(END_OF_CONTENT)) < 0:
            if self.keep:
                pieces.append(data[:-4])
            size += max(len(data) - 4, 0)
            data = data[-4:] + self._receive()
        self._buffer = data[end + len(END_OF_CONTENT) :]
        size += end + 2
        pieces.append(data[: end + 2])
        return (b"".join(pieces)[2:] if self.keep else b""), size

    # TLS

    def starttls(self, context: ssl.SSLContext) -> bytes:
        """Start TLS; return what the client had already sent in the clear, which is dropped."""
        self.flush()
        early, self._buffer, self._at = self.unread, b"", 0
        self._guard(self.sock.getpeername)  # if the client has gone, wrap_socket() would forget to close it
        self.sock = self._guard(context.wrap_socket, self.sock, server_side=True)
        return early

    # below

    def _fill(self) -> None:
        rest = self._buffer[self._at :]
        self._at = 0
        self._buffer = rest  # stays true if the link ends here
        self._buffer = rest + self._receive()

    def _receive(self) -> bytes:
        self._turn()
        data = self._guard(self.sock.recv, BLOCK)
        if not data:
            raise LinkEnded
        if self.keep:
            self.raw += data
        return data

    def _turn(self) -> None:
        """The server has nothing more to read at once: it answers, unless the client goes on talking."""
        if not self._out:
            return
        if self.settle:
            pending = isinstance(self.sock, ssl.SSLSocket) and self.sock.pending()
            if pending or select.select([self.sock], [], [], self.settle)[0]:
                return
        self.flush()

    def _direct(self, count: int) -> bytes:
        data = bytearray(count)
        view, done = memoryview(data), 0
        self._turn()
        while done < count:
            got = self._guard(self.sock.recv_into, view[done:])
            if not got:
                raise LinkEnded
            done += got
        self.raw += data
        return bytes(data)

    def _drop(self, count: int) -> bytes:
        self._scratch = self._scratch or bytearray(1 << 20)
        self._turn()
        while count:
            got = self._guard(self.sock.recv_into, self._scratch, min(count, len(self._scratch)))
            if not got:
                raise LinkEnded
            count -= got
        return b""

    def _guard(self, call: Callable[P, R], *arguments: P.args, **named: P.kwargs) -> R:
        try:
            return call(*arguments, **named)
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            raise LinkEnded(str(error)) from error


def undotted(content: bytes) -> bytes:
    """Content as it came between DATA and the lone dot, with the doubled dots undone."""
    return (b"\r\n" + content).replace(b"\r\n.", b"\r\n")[2:]  # RFC 5321, 4.5.2
