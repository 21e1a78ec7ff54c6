"""The octets of an IMAP connection, within bounds that the session sets before each command.

A server says how long what it sends is, and a library reads as much of it as the server likes. Here a line,
a literal and a whole answer have a limit, an answer has a deadline however it drips, a signal ends each wait,
and what is too much is refused before it is read.
"""

import re
import time
from select import POLLERR, POLLHUP, POLLIN, POLLOUT, poll
from typing import NamedTuple, NoReturn

from ccc.errors import CccError, Interrupted, LinkLost, NotImap
from ccc.smtp.replies import STARS
from ccc.transport.interrupts import Interrupts
from ccc.transport.link import Secure, Socket
from ccc.transport.transcript import Transcript

READ = 1 << 16  # octets read at once
LINE = 1 << 16  # octets in a line of an ordinary answer
TOTAL = 1 << 20  # octets of an answer besides the content that was asked for
OBJECT = 64  # octets of memory for a line besides its text
SLOWEST = 16 << 10  # octets of content in a second: a slower server is as good as gone
UNASKED = 1 << 20  # octets that a server may say while we are writing


class Bounds(NamedTuple):
    """How much the answer to a command may be."""

    line: int = LINE
    literal: int = LINE  # octets in one literal
    content: int = 0  # octets of all literals that were asked for, or that we say
    room: int = TOTAL  # octets of everything else
    patience: float = 1.0  # the usual seconds, so many times


ORDINARY = Bounds()


class Wire:
    """One connection to an IMAP server; `lost` once it is of no more use."""

    def __init__(
        self,
        socket: Socket,
        timeout: float,
        *,
        transcript: Transcript | None = None,
        interrupts: Interrupts | None = None,
    ) -> None:
        self.lost = False
        self.secret: re.Pattern[bytes] | None = None  # what is not shown, though a server may say it
        self.challenged = False  # in a login: what it says there is not shown either
        self.transcript = transcript
        self._socket = socket
        self._timeout = timeout
        self._interrupts = interrupts
        self._buffer = bytearray()
        self.muted = False  # nothing more can be written
        self._fault: LinkLost | None = None  # how it ended: told once all that was said has been heard
        self.hold_out = False  # the server may have all of a message: one signal does not end this wait
        self._signalled = False
        self._poll = poll()
        self.expect(ORDINARY)
        self._watch()

    def expect(self, bounds: Bounds) -> None:
        """From here on an answer within these bounds is awaited."""
        seconds = self._timeout * bounds.patience + bounds.content / SLOWEST
        self._bounds = bounds
        self._seconds = seconds
        self._deadline = time.monotonic() + seconds
        self._left = bounds.room + bounds.content

    def line(self) -> bytes:
        """One line with its line end. LinkLost, NotImap."""
        seen, limit = 0, self._bounds.line
        while (end := self._buffer.find(b"\n", seen, limit)) < 0:
            seen = len(self._buffer)
            if seen >= limit:
                self.broken(f"the IMAP server sent a line of more than {limit} octets")
            self._fill()
        line = self._take(end + 1, OBJECT)
        if self.transcript:
            self.transcript.heard_line(self._shown(line).rstrip(b"\r\n"))
        return line

    def literal(self, size: int) -> bytes:
        """A literal of so many octets, unless that is more than was asked for. LinkLost, NotImap."""
        most = min(self._bounds.literal, self._left)
        if size > most:
            self.broken(f"the IMAP server announced {size} octets where at most {most} can be the answer")
        while len(self._buffer) < size:
            self._fill()
        if self.transcript:
            self.transcript.note(f"{size} octets")
        return self._take(size, OBJECT)

    def send(self, octets: bytes | memoryview, shown: str | None = None) -> None:
        """Write all of this; what the server says meanwhile is kept. LinkLost at the deadline.

        Where nothing more can be written, the server may have said why: that is heard later.
        """
        if self.lost:
            self.fail(LinkLost("the connection to the IMAP server was lost before"))
        if self.transcript and shown != "":
            self.transcript.said(bytes(octets), shown)
        left = memoryview(octets)
        while left and not self.muted:
            events = self._await(POLLOUT | (POLLIN if len(self._buffer) < UNASKED else 0))
            if events & POLLIN and len(self._buffer) < UNASKED:
                self._read()
            if events & (POLLOUT | POLLERR | POLLHUP):
                left = left[self._write(left) :]

    def secure(self, secure: Secure) -> None:
        """Put TLS on the connection; what was said in clear and not read yet is an attack (RFC 3207, 6)."""
        if self._buffer:
            self.broken("the IMAP server went on in clear after it agreed to STARTTLS")
        self._poll.unregister(self._socket.fileno())
        try:
            self._socket, how = secure(self._socket, time.monotonic() + self._timeout)
        except CccError:
            self.lost = True
            raise
        if self.transcript:
            self.transcript.private(how)
        self._watch()

    @property
    def ended(self) -> bool:
        """Whether the connection is lost, as far as can be known without asking."""
        if not self.lost and any(ready == self._socket.fileno() for ready, _ in self._poll.poll(0)):
            self._read()
            if self._fault or self._buffer.startswith(b"* BYE"):
                self.close()
        return self.lost

    def masked(self, said: bytes) -> bytes:
        """What the server said, without our secret."""
        return said if self.secret is None else self.secret.sub(STARS, said)

    def _shown(self, line: bytes) -> bytes:
        """A line for the transcript: no secret, nor a challenge, with which one could be guessed."""
        if self.challenged and line.startswith(b"+") and line.strip() != b"+":
            return b"+ %b" % STARS
        return self.masked(line)

    def fail(self, error: CccError) -> NoReturn:
        """End the connection for this reason, or for the signal that came before it."""
        self.close()
        if self._signalled and self._interrupts is not None and not isinstance(error, Interrupted):
            raise self._interrupts.as_error() from error
        raise error

    def broken(self, what: str, cure: str = "") -> NoReturn:
        """End the connection because the server does not speak IMAP."""
        self.fail(NotImap(what, cure))

    def close(self) -> None:
        """Close the connection, without a word."""
        self.lost = self.muted = True
        self._socket.close()

    def _take(self, size: int, more: int) -> bytes:
        """The first octets of what was read, counted against the bounds of the answer."""
        self._left -= size + more
        if self._left < 0:
            self.broken("the IMAP server says more than it was asked for")
        octets = bytes(memoryview(self._buffer)[:size])
        del self._buffer[:size]
        return octets

    def _fill(self) -> None:
        """Wait for more, and read it."""
        if self.lost:
            self.fail(LinkLost("the connection to the IMAP server was lost before"))
        if self._fault:
            self.fail(self._fault)
        self._await(POLLIN)
        self._read()

    def _await(self, events: int) -> int:
        """Wait until one of these is so; LinkLost at the deadline, Interrupted if a signal has come."""
        self._poll.modify(self._socket.fileno(), events)
        left = self._deadline - time.monotonic()
        ready = dict(self._poll.poll(left * 1000)) if left > 0 else {}
        if self._interrupts is not None:
            come = self._interrupts.fileno() in ready
            if come or self._signalled:
                self._heed(self._interrupts, come=come)
            if come and self._socket.fileno() not in ready:
                return self._await(events)
        if not ready:
            what = "take our octets" if events & POLLOUT else "answer"
            self.fail(LinkLost(f"the IMAP server did not {what} within {self._seconds:.3g} seconds"))
        return ready[self._socket.fileno()]

    def _heed(self, interrupts: Interrupts, *, come: bool) -> None:
        """Interrupted for a signal, unless it is the first one and an answer is worth waiting for."""
        if come:
            interrupts.drain()
        if not self.hold_out or (come and self._signalled):
            self.fail(interrupts.as_error())
        self._signalled = True

    def _read(self) -> None:
        """Read what is there; the end of the connection is a fault that comes after it."""
        octets, why = b"", ""
        try:
            octets = self._socket.recv(READ)
        except BlockingIOError:
            return
        except OSError as error:
            why = f"the connection to the IMAP server was lost: {error.strerror or error}"
        if not octets:
            cut = " in the middle of an answer" if self._buffer else ""
            self._fault = LinkLost(why or f"the IMAP server closed the connection{cut}")
            self.muted = True
        self._buffer += octets

    def _write(self, octets: memoryview) -> int:
        try:
            return self._socket.send(octets)
        except BlockingIOError:
            return 0
        except OSError:
            self.muted = True
            return 0

    def _watch(self) -> None:
        """Poll the socket, and the signals."""
        self._poll.register(self._socket.fileno(), POLLIN)
        if self._interrupts is not None:
            self._poll.register(self._interrupts.fileno(), POLLIN)
