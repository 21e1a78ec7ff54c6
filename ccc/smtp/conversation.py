"""Sending messages over an open session, one after another or several at once.

One path serves every server. `_say` says a command and notes who waits for its reply; where the server
does not pipeline it hears that reply at once, else replies are heard when they are needed (RFC 2920):
after DATA, whose 354 must come first, and when enough contents are unanswered.

    a plain server        PIPELINING                       PIPELINING and CHUNKING, small content
    C: MAIL               C: MAIL, RCPT, RCPT, DATA        C: MAIL, RCPT, RCPT, BDAT n LAST, content,
    S: 250                S: 250, 250, 250, 354               (the next message in the same way, …)
    C: RCPT               C: content, ".", next message    S: 250, 250, 250, 250, …
    …                     …

Before the octets that begin a transaction, and before those that end its content, a `Mark` says what must be
on disk by then. A full window is refilled when half of it is answered, so that messages go out together and
one visit to the disk serves several; a server that answers a whole breath at once (RFC 2920, 3.2) gets the
next whole one.

An answer that came before the last octet of its question is a protocol error, unless it refuses a content.
"""

from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

from ccc.delivery import Delivery, Settled, Stage
from ccc.errors import (
    CccError,
    Interrupted,
    JournalFailed,
    LinkError,
    MessageError,
    ProtocolError,
    RefusedError,
)
from ccc.smtp import commands
from ccc.smtp.content import END_OF_DATA, chunks, dot_stuffed
from ccc.smtp.extensions import Extensions
from ccc.smtp.replies import GOODBYE, SERVICE_CLOSING, Reply
from ccc.smtp.steps import Dialogue, Heard, Mark, Say, Wait, hear
from ccc.smtp.transaction import ServiceClosing, Transaction

SMALL = 65536  # octets; a larger content waits for the replies to its RCPTs
CHUNK = 262144  # octets, at least, in one BDAT of a larger content
CHUNKS_AHEAD = 8  # so many chunks may be unanswered


class Awaited(NamedTuple):
    """A reply that is due: for which transaction, who takes it, and how many octets were said by then."""

    transaction: Transaction
    take: Callable[[Transaction, Reply], None]
    wait: Wait
    asked_at: int


class Spoilt(LinkError):
    """One message spoilt the connection, which must be given up; others may go on over another one."""


class Conversation:
    """Messages over one open session; what is settled collects in `settled`, in the order of its finding.

    `window` is how many contents may be unanswered at once, `said` how many octets the opening of the
    session took, `hop` the server's name for the outcomes. `ending` tells whether the delivery taken last
    is the last of all: QUIT goes with its content then, and costs no turn (RFC 2920, 3.1). `another` tells
    whether another session may take over when the server ends this one: it is asked only if something was
    settled here, so that there is an end to it. `elsewhere` says that there are other hosts: what a lost link
    has left undone is for one of them then, but nobody whom this one has refused; `moved_by` says why.

    Afterwards `usable` is false if the connection cannot take another command (mox's ErrBotched),
    `ended_by` is the error that later deliveries would meet too, if there was one, and `rest` what turned
    out to be left to do after QUIT, or for another session.
    """

    def __init__(
        self,
        server: Extensions,
        *,
        window: int = 4,
        said: int = 0,
        lmtp: bool = False,
        hop: str = "",
        ending: Callable[[], bool] = lambda: False,
        another: Callable[[], bool] = lambda: False,
        elsewhere: bool = False,
    ) -> None:
        self.server = server
        self.settled: deque[Settled] = deque()
        self.usable = True
        self.ended_by: CccError | None = None
        self.moved_by: LinkError | None = None
        self.fruitful = False  # something was settled
        self._window = max(window, 1)
        # In unequal parts it would not be full again after one turn; an odd one has no half.
        self._refill = self._window // 2 if self._window % 2 == 0 else self._window - 1
        self._said = said
        self._lmtp = lmtp
        self._hop = hop
        self._ending = ending
        self._another = another
        self._elsewhere = elsewhere
        self._todo: deque[Transaction] = deque()
        self._unsettled: deque[Transaction] = deque()
        self._awaited: deque[Awaited] = deque()
        self._previous: Transaction | None = None

    @property
    def rest(self) -> tuple[Transaction, ...]:
        """What another connection has to do."""
        return tuple(self._todo)

    def deliver(self, deliveries: Iterable[Delivery], rest: Iterable[Transaction] = ()) -> Dialogue[None]:
        """Take the rest of another conversation and deliveries, for as long as the connection lasts."""
        try:
            self._todo.extend(rest)
            yield from self._work()
            for delivery in deliveries:
                self._todo.extend(Transaction.of(delivery, lmtp=self._lmtp))
                yield from self._work()
            while self._awaited or (self._todo and self.usable):
                yield from self._settle()
                yield from self._work()
        except Spoilt as error:
            self._abandon(error, error.written)
        except LinkError as error:
            self._end(error, error.written)
        except ServiceClosing as error:
            self._end(error, self._said)
        except (Interrupted, JournalFailed) as stop:
            self.ended_by = stop
            yield from self._leave(stop)

    def _work(self) -> Dialogue[None]:
        """Say what is to do, and what turns out to be to do."""
        while self._todo and self.usable:
            yield from self._transact(self._todo.popleft())

    def _transact(self, it: Transaction) -> Dialogue[None]:
        """One mail transaction: MAIL, RCPT for each recipient, the content (RFC 5321, 3.3)."""
        delivery = it.delivery
        self._unsettled.append(it)
        try:
            commands.require(delivery, self.server)
            small = b"".join(delivery.content.blocks()) if delivery.content.size <= SMALL else None
        except (MessageError, RefusedError) as error:
            it.error = error
        else:
            if self._previous is not None and self._previous.left_open:
                yield from self._say(it, commands.RSET, _take_nothing, Wait.COMMAND)
            self._previous = it
            yield Mark(delivery, it.forward_paths, Stage.SENDING)
            yield from self._say(it, commands.mail(delivery, self.server), _take_mail, Wait.MAIL)
            for mailbox in it.forward_paths:
                if it.hopeless:
                    break
                yield from self._say(it, commands.rcpt(mailbox, delivery.dsn), _take_rcpt, Wait.RCPT)
            if not it.hopeless:
                yield from (self._bdat if self.server.chunking else self._data)(it, small)
        it.over = True
        self._sweep()

    def _data(self, it: Transaction, small: bytes | None) -> Dialogue[None]:
        """DATA, and after its 354 the content and a dot (RFC 5321, 4.1.1.4)."""
        yield from self._say(it, commands.DATA, _take_data, Wait.DATA)
        yield from self._settle()
        if it.data is None or not it.data.go_ahead:
            return
        if it.hopeless:  # RFC 2920, 3.1: DATA may be accepted although no recipient was
            yield from self._say(it, END_OF_DATA, _take_final, Wait.CONTENT)
            return
        shown = f"({it.delivery.content.size} octets of content)"
        try:
            for block in dot_stuffed(it.delivery.content.blocks() if small is None else (small,)):
                self._said += len(block)
                yield Say(block, shown)
                shown = ""
        except MessageError as error:  # without its dot it is no message, and nothing else can be said
            self._blame(it, error)
            raise Spoilt("another message changed while it was sent") from error
        yield from self._say(it, END_OF_DATA, _take_final, Wait.CONTENT, last=True)

    def _bdat(self, it: Transaction, small: bytes | None) -> Dialogue[None]:
        """The content in BDAT chunks (RFC 3030, 2); a large one only when somebody is there to get it."""
        if small is not None:
            if len(self._unsettled) > self._window:  # with this one, which is not said yet
                while len(self._unsettled) - 1 > self._refill:
                    yield from self._hear_next()
            yield from self._chunk(it, small, last=True)
            return
        yield from self._settle()
        try:
            for chunk, last in chunks(it.delivery.content.blocks(), CHUNK):
                while len(self._awaited) >= CHUNKS_AHEAD:
                    yield from self._hear_next()
                if it.hopeless:
                    return
                yield from self._chunk(it, chunk, last=last)
        except MessageError as error:  # the last chunk was not said: RSET takes the others back
            it.error = error

    def _chunk(self, it: Transaction, octets: bytes, *, last: bool) -> Dialogue[None]:
        """One BDAT and its octets."""
        command = commands.bdat(len(octets), last=last)
        shown = f"{command.decode().rstrip()} ({len(octets)} octets of content)"
        take = _take_final if last else _take_chunk
        yield from self._say(it, command + octets, take, Wait.CONTENT, last=last, shown=shown)

    def _say(
        self,
        it: Transaction,
        octets: bytes,
        take: Callable[[Transaction, Reply], None],
        wait: Wait,
        *,
        last: bool = False,
        shown: str | None = None,
    ) -> Dialogue[None]:
        """Say a command; `take` gets its reply: at once from a server that does not pipeline."""
        self._said += len(octets)
        if last:
            yield Mark(it.delivery, it.hopeful, Stage.COMMITTING)
            it.committed_at = self._said
        self._awaited.append(Awaited(it, take, wait, self._said))
        yield Say(octets, shown)
        if not self.server.pipelining:
            yield from self._settle()
        elif last and not self._todo and self._ending():
            self.usable = False
            self._said += len(commands.QUIT)
            yield Say(commands.QUIT)

    def _settle(self) -> Dialogue[None]:
        """Hear every reply that is due."""
        while self._awaited:
            yield from self._hear_next()

    def _hear_next(self) -> Dialogue[None]:
        """Hear the next reply that is due, and give it to whom it concerns."""
        awaited = self._awaited[0]
        heard = yield from hear(awaited.wait)
        it, reply = awaited.transaction, heard.reply
        early = heard.before < awaited.asked_at
        if reply.code != SERVICE_CLOSING:
            _check_turn(awaited, heard, early=early)
        awaited.take(it, reply)
        if awaited.take is not _take_final or len(it.finals) >= it.finals_due:
            self._awaited.popleft()
        if reply.code == SERVICE_CLOSING:
            raise ServiceClosing(reply)
        if early:
            # Its next replies cannot be told apart: does it take the rest for content, or for commands?
            raise Spoilt(f"the server refused another content before its end: {reply}", written=heard.written)
        self._sweep()

    def _sweep(self) -> None:
        """Settle, in order, the transactions that are over and have been answered."""
        while self._unsettled and self._unsettled[0].over:
            if self._awaited and self._awaited[0].transaction is self._unsettled[0]:
                return
            self._record(self._unsettled.popleft(), self._said)

    def _record(self, it: Transaction, written: int) -> None:
        """Note what became of a transaction; who was one too many for it gets another one."""
        if it.crowd and it.error is None:
            self._todo.append(Transaction(it.delivery, it.crowd, self._lmtp))
        self.settled.append(Settled(it.delivery, tuple(it.outcomes(written, self._hop))))
        self.fruitful = True

    def _end(self, error: LinkError | ServiceClosing, written: int) -> None:
        """The server or the network ended the session: another one takes over, or everything is given up."""
        undone = isinstance(error, ServiceClosing) and not self._lmtp  # whatever it has not answered
        certain = undone or not any(it.committed(written) for it in self._unsettled)
        if certain and self._elsewhere and isinstance(error, LinkError):
            self.moved_by = error
            for it in self._unsettled:
                if it.error is None:  # else all of its recipients are settled together
                    self._keep_refusals(it)
        elif not (certain and self.fruitful and self._another()):
            self.ended_by = error
            self._abandon(error, written)
            return
        self.usable = False
        over = [it for it in self._unsettled if it.error is not None]
        begun = [it for it in self._unsettled if it.error is None and it.forward_paths]
        self._unsettled.clear()
        for it in over:
            self._record(it, written)
        self._todo.extendleft(
            Transaction(it.delivery, it.forward_paths, self._lmtp) for it in reversed(begun)
        )

    def _keep_refusals(self, it: Transaction) -> None:
        """What this host has refused is not asked of another one (RFC 5321, 5.1)."""
        refused, it.forward_paths = tuple(it.refusals(self._hop)), it.left
        if refused:
            self.settled.append(Settled(it.delivery, refused))

    def _abandon(self, error: CccError, written: int) -> None:
        """The connection is over: whatever is not settled is settled by what is known of it."""
        self.usable = False
        while self._unsettled or self._todo:
            it = (self._unsettled or self._todo).popleft()
            it.error = it.error or error
            self._record(it, written)

    def _blame(self, it: Transaction, error: MessageError) -> None:
        """The content is of no use, to this transaction and to all others of its delivery."""
        for each in (it, *self._todo):
            if each.delivery is it.delivery:
                each.error = error

    def _leave(self, stop: Interrupted | JournalFailed) -> Dialogue[None]:
        """Nothing more is said: hear the answer to what is out of our hands, then let go."""
        try:
            while any(awaited.transaction.committed(stop.written) for awaited in self._awaited):
                yield from self._hear_next()
        except (LinkError, ServiceClosing, Interrupted) as worse:
            for it in self._unsettled:
                if it.committed(stop.written):
                    it.error = it.error or worse
        self._abandon(stop, stop.written)


def _check_turn(awaited: Awaited, heard: Heard, *, early: bool) -> None:
    """Raise ProtocolError if this cannot be the answer to what was asked."""
    reply = heard.reply
    if early and not (reply.refused and awaited.wait is Wait.CONTENT):
        raise ProtocolError(f"the server answered before it was asked: {reply}", heard.written)
    out_of_turn = reply.go_ahead is not (awaited.take is _take_data) and not reply.refused
    if out_of_turn or reply.code == GOODBYE:  # RFC 5321, 4.3.2
        raise ProtocolError(f"the server answered out of turn: {reply}", heard.written)


def _take_nothing(it: Transaction, reply: Reply) -> None:
    """RSET: whatever the answer, the next command shows where we are."""


def _take_mail(it: Transaction, reply: Reply) -> None:
    it.mail = reply


def _take_rcpt(it: Transaction, reply: Reply) -> None:
    it.rcpts.append(reply)


def _take_data(it: Transaction, reply: Reply) -> None:
    it.data = reply


def _take_chunk(it: Transaction, reply: Reply) -> None:
    """A chunk before the last: the first refusal counts, for the whole content (RFC 3030, 2)."""
    if reply.refused and it.data is None:  # those that follow only say that something went wrong before
        it.data = reply


def _take_final(it: Transaction, reply: Reply) -> None:
    it.finals.append(reply)
