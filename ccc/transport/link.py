"""A connection that says octets and hears replies, within deadlines, and never blocks in one direction.

Whatever waits to be written, what the server says is read at the same time; so neither side can stand
still because the other does not read. When writing has failed, what the server had already said is still
heard before the link is called lost. Nothing is written before a witness has it on disk what that means.
"""

import time
from collections import deque
from collections.abc import Generator
from select import POLLERR, POLLHUP, POLLIN, POLLOUT, poll
from typing import Protocol, TypeVar

from ccc.delivery import Witness
from ccc.errors import Interrupted, JournalFailed, LinkError, LinkLost, ProtocolError, StateError
from ccc.smtp.replies import Reply, ReplyReader
from ccc.smtp.steps import Dialogue, Hear, Heard, Mark, Say, StartTLS, Step, Wait
from ccc.transport.interrupts import Interrupts
from ccc.transport.timeouts import Timeouts
from ccc.transport.transcript import Transcript

OBJECT = 256  # octets of memory for a reply besides its text
READ = 65536  # octets read at once
WRITE = 65536  # octets that may wait before they are written without being asked for
PATIENCE = 0.005  # seconds within which a reply has come at once
UNHEARD = 1 << 23  # octets of memory for replies that come while we write: ten thousand long ones

Result = TypeVar("Result")


class Socket(Protocol):
    """What a link needs of a socket; it never blocks."""

    def fileno(self) -> int:
        """The descriptor to poll."""

    def recv(self, size: int, /) -> bytes:
        """Some octets; b"" at the end."""

    def send(self, octets: memoryview, /) -> int:
        """Hand over some octets; how many were taken."""

    def close(self) -> None:
        """Close the connection."""


class Secure(Protocol):
    """Puts TLS on a socket: the new socket, and how the connection is protected now."""

    def __call__(self, plain: Socket, deadline: float, /) -> tuple[Socket, str]:
        """Do the handshake before the deadline (of time.monotonic())."""


class Link:
    """One connection to a server."""

    def __init__(
        self,
        socket: Socket,
        timeouts: Timeouts,
        *,
        secure: Secure | None = None,
        transcript: Transcript | None = None,
        interrupts: Interrupts | None = None,
        witness: Witness | None = None,
    ) -> None:
        self.written = 0
        self.marked = False  # what waits means something that is not known to be on disk
        self._socket = socket
        self._timeouts = timeouts
        self._secure = secure
        self._transcript = transcript
        self._interrupts = interrupts
        self._witness = witness
        self._reader = ReplyReader()
        self._heard: deque[tuple[Reply, int]] = deque()
        self._unheard = 0  # octets of memory for what was read since everything had been heard
        self._out: list[bytes | memoryview] = []
        self._waiting = 0  # octets in _out
        self._said = 0
        self._muted = False  # nothing more can be or shall be written
        self._fault: LinkError | None = None  # what ends the link once everything heard is told
        self._poll = poll()
        self._watch()

    def carry_out(self, step: Step) -> Heard | None:
        """Do what a dialogue asks for."""
        match step:
            case Hear(wait):
                return self._hear(wait)
            case Say(octets, shown, hides):
                if hides is not None:
                    self._reader.hide(hides)
                self._say(octets, shown)
            case Mark():
                self._mark(step)
            case StartTLS():
                self.start_tls()
        return None

    def writes(self, step: Step) -> bool:
        """Whether carrying out this step would write."""
        match step:
            case Hear():
                return not self._audible
            case Say(octets):
                return self._waiting + len(octets) >= WRITE
            case _:
                return False

    def soon(self) -> bool:
        """Write what waits, unless there is something to hear; whether there is at once."""
        if self._audible:
            return True
        self._secure_marks()
        deadline = time.monotonic() + PATIENCE
        while not self._audible:
            if not self._await(deadline):
                return False
            self._answer()
        return True

    @property
    def _audible(self) -> bool:
        """A Hear does not have to wait."""
        return bool(self._heard) or self._fault is not None

    def leave(self) -> None:
        """Close the connection after a goodbye, which is written if that takes no time."""
        if not self.marked:
            self._write()
        self.close()

    def close(self) -> None:
        """Close the connection; what still waits, the end of a message perhaps, is not said any more."""
        self._mute()
        self._socket.close()

    def _say(self, octets: bytes, shown: str | None) -> None:
        """Queue octets; write once there are enough to be worth it."""
        if self._transcript:
            self._transcript.said(octets, shown)
        self._said += len(octets)
        if self._muted:
            return
        self._out.append(octets)
        self._waiting += len(octets)
        if self._waiting >= WRITE:
            self._secure_marks()
            deadline = time.monotonic() + self._timeouts.block
            while self._out:
                self._turn(deadline, f"take our octets within {self._timeouts.block:g} seconds")
                self._write()

    def _hear(self, wait: Wait) -> Heard:
        """The next reply; what waits is written meanwhile."""
        seconds = self._timeouts.of(wait)
        deadline = time.monotonic() + seconds
        while not self._heard:
            if self._fault is not None:
                self._fault.written = self.written
                raise self._fault
            self._turn(deadline, f"answer within {seconds:g} seconds")
            self._answer()
        reply, before = self._heard.popleft()
        self._unheard = self._unheard if self._heard else 0
        if self._transcript:
            self._transcript.heard(reply)
        return Heard(reply, before, self.written, self._said)

    def _turn(self, deadline: float, what: str) -> None:
        """Wait until something can be read or written, and read; in vain, it is the end of the link."""
        if not self._await(deadline):
            self._end(LinkLost(f"the server did not {what}"))

    def _await(self, deadline: float) -> bool:
        """Wait until something can be read or written, and read; False if nothing could be."""
        self._poll.modify(self._socket.fileno(), POLLIN | POLLOUT if self._out else POLLIN)
        left = deadline - time.monotonic()
        ready = dict(self._poll.poll(left * 1000)) if left > 0 else {}
        if self._interrupts is not None and self._interrupts.fileno() in ready:
            self._mute()
            self._interrupts.drain()
            error = self._interrupts.as_error()
            error.written = self.written
            raise error
        if ready.get(self._socket.fileno(), 0) & (POLLIN | POLLHUP | POLLERR):
            self._read()
        return bool(ready)

    def _answer(self) -> None:
        """Write, unless something is heard: what came before we wrote is not the answer to it."""
        if not self._heard:
            self._write()

    def _read(self) -> None:
        """Read what is there; the end of the connection is a fault that comes after what was heard."""
        try:
            octets = self._socket.recv(READ)
        except BlockingIOError:
            return
        except OSError as error:
            self._end(LinkLost(f"the connection was lost: {error.strerror or error}"))
            return
        if not octets:
            cut = "" if self._reader.empty else " in the middle of a reply"
            self._end(LinkLost(f"the server closed the connection{cut}"))
            return
        self._unheard += len(octets)
        try:
            for reply in self._reader.feed(octets):
                self._heard.append((reply, self.written))
                self._unheard += OBJECT
        except ProtocolError as error:
            self._end(error)
        if self._unheard > UNHEARD:
            self._end(ProtocolError("the server says more than it is asked"))

    def _write(self) -> None:
        """Hand over what the system takes now, once it is on disk what it means."""
        if not self._out:
            return
        self._secure_marks()  # once more, so that nothing can go without
        octets = memoryview(self._out[0] if len(self._out) == 1 else b"".join(self._out))
        try:
            taken = self._socket.send(octets)
        except BlockingIOError:
            taken = 0
        except OSError:
            self._mute()  # the server may have said why: reading goes on to the end
            return
        self.written += taken
        self._waiting = len(octets) - taken
        self._out = [octets[taken:]] if self._waiting else []

    def _mark(self, mark: Mark) -> None:
        """Have the witness note what the next octets mean, if there will be any."""
        if self._muted:
            return
        self.marked = True
        if self._witness is not None:
            self._witness.note(*mark)

    def _secure_marks(self) -> None:
        """Have it on disk what was noted; if that fails, nothing is written any more."""
        if self.marked and self._witness is not None:
            try:
                self._witness.secure()
            except StateError as error:
                self._mute()
                raise JournalFailed(error.what, error.cure, self.written) from error
        self.marked = False

    def _end(self, fault: LinkError) -> None:
        """Nothing more will come."""
        self._fault = fault
        self._mute()

    def _mute(self) -> None:
        """Nothing more will be written."""
        self._muted = True
        self.marked = False
        self._out = []
        self._waiting = 0

    def start_tls(self) -> None:
        """Put TLS on the connection; what came in clear after the go-ahead is an attack (RFC 3207, 6)."""
        if self._heard or not self._reader.empty or self._fault:
            raise ProtocolError("the server went on in clear after it agreed to STARTTLS", self.written)
        if self._secure is None:
            raise TypeError("this link cannot be made secure")
        self._poll.unregister(self._socket.fileno())
        self._socket, how = self._secure(self._socket, time.monotonic() + self._timeouts.tls)
        if self._transcript:
            self._transcript.private(how)
        self._watch()

    def _watch(self) -> None:
        """Poll the socket, and the signals."""
        self._poll.register(self._socket.fileno(), POLLIN)
        if self._interrupts is not None:
            self._poll.register(self._interrupts.fileno(), POLLIN)


def drive(dialogue: Dialogue[Result], link: Link) -> Generator[None, None, Result]:
    """Carry out a dialogue over a link; pauses where its results should be taken.

    That is before marked octets are written, so that one visit to the disk serves what has become of the last
    messages and what begins now; and before a wait that is not over at once.
    """
    try:
        step = next(dialogue)
        while True:
            try:
                if link.marked and link.writes(step):
                    yield
                if isinstance(step, Hear) and not link.soon():
                    yield
                heard = link.carry_out(step)
            except (LinkError, Interrupted, JournalFailed) as error:
                step = dialogue.throw(error)
            else:
                step = dialogue.send(heard)
    except StopIteration as end:
        result: Result = end.value
        return result


def run(dialogue: Dialogue[Result], link: Link) -> Result:
    """Carry out a dialogue to its end."""
    driven = drive(dialogue, link)
    while True:
        try:
            next(driven)
        except StopIteration as end:
            result: Result = end.value
            return result
