"""A correct server without a socket, and a link to it that may be cut at any octet.

It decides as it is told, takes a message before it says so, and keeps its word: what it refused it has not.
So whatever a client makes of its replies can be held against the truth.
"""

import re
from collections import deque
from collections.abc import Callable, Iterable

from ccc.delivery import Delivery
from ccc.errors import Interrupted, JournalFailed, LinkError, LinkLost, StateError
from ccc.smtp.conversation import Conversation
from ccc.smtp.extensions import Extensions
from ccc.smtp.replies import ReplyReader
from ccc.smtp.steps import Hear, Heard, Mark, Say
from tests.lab.fault import Entry, Ledger
from tests.lab.wire import undotted
from tests.lab.witness import Disk

Decide = Callable[[str], int]  # the code for "MAIL", "RCPT", "DATA", "CHUNK", "CONTENT", "RSET"
GOOD = {"DATA": 354}


def willing(what: str) -> int:
    """The decisions of a server that takes everything."""
    return GOOD.get(what, 250)


class Server:
    """See the module; `over` once it has closed the connection with 421."""

    def __init__(self, decide: Decide = willing, *, lmtp: bool = False) -> None:
        self.ledger = Ledger()
        self.begun: set[str] = set()  # who was named in a RCPT that was taken
        self.over = False
        self._decide, self._lmtp = decide, lmtp
        self._buffer = b""
        self._said: list[bytes] = []
        self._forget()
        self._in_data = False

    @property
    def taken(self) -> set[str]:
        """Who has a message."""
        return {entry.forward_path for entry in self.ledger.entries}

    def feed(self, octets: bytes) -> bytes:
        """Take some octets; what the server answers to them."""
        self._buffer += octets
        while not self.over and self._step():
            pass
        said, self._said = b"".join(self._said), []
        return said

    def another_connection(self) -> None:
        """Forget all but the ledger."""
        self.over, self._buffer, self._in_data = False, b"", False
        self._forget()

    def _step(self) -> bool:
        if self._in_data:
            content, end, rest = (b"\r\n" + self._buffer).partition(b"\r\n.\r\n")
            if end:
                self._buffer, self._in_data = rest, False
                self._finish(undotted((content + b"\r\n")[2:]))
            return bool(end)
        line, end, rest = self._buffer.partition(b"\r\n")
        if not end:
            return False
        if line.startswith(b"BDAT"):
            size = int(line.split()[1])
            if len(rest) < size:
                return False
            chunk, rest = rest[:size], rest[size:]
            self._buffer = rest
            self._bdat(chunk, last=line.endswith(b"LAST"))
        else:
            self._buffer = rest
            self._command(line)
        return True

    def _command(self, line: bytes) -> None:
        match line[:4]:
            case b"MAIL" if self._mail:
                self._say(503)
            case b"MAIL":
                self._mail = self._say(self._decide("MAIL"))
            case b"RCPT" if not self._mail:
                self._say(503)
            case b"RCPT":
                if self._say(self._decide("RCPT")):
                    self._rcpts.append(re.findall(rb"<(.*)>", line)[0].decode())
                    self.begun.add(self._rcpts[-1])
            case b"DATA" if not self._rcpts:
                self._say(503)
            case b"DATA":
                self._in_data = self._say(self._decide("DATA"))
            case b"RSET":
                self._say(self._decide("RSET"))
                self._forget()
            case b"QUIT":
                self._said.append(b"221 bye\r\n")
                self.over = True
            case _:
                raise AssertionError(line)

    def _bdat(self, chunk: bytes, *, last: bool) -> None:
        self._chunks.append(chunk)
        if not self._rcpts or self._failed:
            self._say(503)
        elif last:
            self._finish(b"".join(self._chunks))
        else:
            self._failed = not self._say(self._decide("CHUNK"))

    def _finish(self, content: bytes) -> None:
        takers = [[path] for path in self._rcpts] if self._lmtp else [self._rcpts]
        self._forget()
        for paths in takers:
            if self.over:  # who closes the service does nothing more
                return
            code = self._decide("CONTENT")
            if code < 300:
                self.ledger.commit([Entry(path, content, 0) for path in paths])
            self._say(code)

    def _forget(self) -> None:
        self._mail, self._failed = False, False
        self._rcpts: list[str] = []
        self._chunks: list[bytes] = []

    def _say(self, code: int) -> bool:
        self._said.append(b"%d said\r\n" % code)
        self.over = self.over or code == 421
        return code < 400


class Cut:
    """A link to a server: `up` octets reach it, `down` octets of its replies come back.

    With `optimistic` the system took all that was said, though it never arrived; `signal` is how many
    replies come before a signal does. What the server gets is held against the `disk`, which may fail.
    """

    def __init__(
        self,
        server: Server,
        disk: Disk,
        *,
        up: int,
        down: int,
        optimistic: bool = False,
        signal: int = -1,
    ) -> None:
        self.server, self.up, self.down, self.optimistic = server, up, down, optimistic
        self.disk = disk
        self.exchanges = 0  # how often something was written
        self.signals = signal
        self.said = self.written = self.arrived = 0
        self.replies = 0
        self._queue = b""
        self._muted = self._marked = False
        self._reader = ReplyReader()
        self._heard: list[Heard] = []

    def drive(self, dialogue) -> None:
        """Carry out a dialogue to its end."""
        try:
            step = next(dialogue)
            while True:
                try:
                    heard = self._carry_out(step)
                except (LinkError, Interrupted, JournalFailed) as error:
                    step = dialogue.throw(error)
                else:
                    step = dialogue.send(heard)
        except StopIteration:
            return

    def _carry_out(self, step) -> Heard | None:
        match step:
            case Say(octets, _):
                self.said += len(octets)
                self._queue += b"" if self._muted else octets
            case Mark() if not self._muted:
                self.disk.note(*step)
                self._marked = True
            case Hear():
                return self._hear()
        return None

    def _hear(self) -> Heard:
        if not self._heard:
            self._exchange()
        if self.signals == self.replies:
            self.signals, self._muted, self._queue = -1, True, b""
            raise Interrupted("signal", 2, self.written)
        if not self._heard:
            raise LinkLost("cut", written=self.written)
        self.replies += 1
        return self._heard.pop(0)

    def _exchange(self) -> None:
        self._secure()
        self.exchanges += bool(self._queue)
        arriving = self._queue[: self.up - self.arrived]
        self.arrived += len(arriving)
        self.written += len(self._queue) if self.optimistic else len(arriving)
        self._queue = b""
        back = self.server.feed(arriving)[: self.down]
        self.down -= len(back)
        assert self.disk.lacking(self.server.begun, self.server.taken) == []
        for reply in self._reader.feed(back):
            self._heard.append(Heard(reply, self.written, self.written, self.said))

    def _secure(self) -> None:
        if not self._marked or not self._queue:
            return
        try:
            self.disk.secure()
        except StateError as error:
            self._muted, self._queue = True, b""
            raise JournalFailed(error.what, error.cure, self.written) from error
        self._marked = False


def converse_with(
    server: Server,
    deliveries: Iterable[Delivery],
    *,
    offers: Iterable[str] = (),
    window: int = 4,
    lmtp: bool = False,
    ending: Callable[[], bool] = lambda: False,
    disk: Disk | None = None,
    **cut,
) -> tuple[Conversation, Cut]:
    """Deliver to the server over a link that may be cut, and what is left over one that is not."""
    taking, rest, settled = iter(deliveries), (), deque()
    disk = disk or Disk()
    links = []
    while True:
        conversation = Conversation(
            Extensions(dict.fromkeys(offers, ())), window=window, lmtp=lmtp, ending=ending
        )
        links.append(Cut(server, disk, **{"up": 1 << 40, "down": 1 << 40, **({} if links else cut)}))
        links[-1].drive(conversation.deliver(taking, rest))
        settled += conversation.settled
        rest = conversation.rest
        if not rest:
            conversation.settled = settled
            return conversation, links[0]
        server.another_connection()
