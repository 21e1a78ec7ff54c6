"""A submission server (RFC 6409), or an LMTP server (RFC 2033): the dialogues of smtp/ over a connection.

A batch goes over one connection. Another one is opened only if a message of ours spoilt the first; when the
server or the network ended it, what was not begun is deferred.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from os import urandom
from typing import TYPE_CHECKING, NamedTuple

from ccc.delivery import Delivery, Settled, Witness, given_up
from ccc.errors import CccError, LinkError
from ccc.routes.queue import Queue
from ccc.smtp.conversation import Conversation
from ccc.smtp.extensions import Extensions
from ccc.smtp.session import Opening, StartTLSPolicy, open_session, quit_session
from ccc.smtp.transaction import Transaction
from ccc.transport.dial import Dial, connect_path, look_up, shown
from ccc.transport.interrupts import Interrupts
from ccc.transport.link import Link, Secure, Socket, drive, run
from ccc.transport.server import Security, Server
from ccc.transport.timeouts import Timeouts
from ccc.transport.transcript import Transcript

if TYPE_CHECKING:
    from ccc.smtp.login import Credentials

GIVEN_UP = 100  # deliveries that are given up in one go

_STARTTLS = {
    Security.IMPLICIT: StartTLSPolicy.NEVER,
    Security.STARTTLS: StartTLSPolicy.REQUIRED,
    Security.OPPORTUNISTIC: StartTLSPolicy.OPPORTUNISTIC,
    Security.NONE: StartTLSPolicy.NEVER,
}


class Manner(NamedTuple):
    """How a server is spoken to: what the user may set, and whom a session is shown to."""

    ca_file: str | None = None
    timeouts: Timeouts = Timeouts()
    helo: str = ""  # our domain; the address of our end of the connection if empty (RFC 5321, 4.1.4)
    window: int = 4  # contents unanswered at once
    hide: tuple[str, ...] = ()  # extensions that are not used though they are offered
    transcript: Transcript | None = None
    interrupts: Interrupts | None = None


class Submission(NamedTuple):
    """The route to one server."""

    server: Server
    credentials: "Credentials | None" = None
    manner: Manner = Manner()
    dial: Dial | None = None  # the first connection, begun already

    @property
    def name(self) -> str:
        """The server for eyes."""
        return self.server.name

    def dialling(self) -> "Submission":
        """The same with its first connection begun: the server greets while the message is read.

        Nothing is said over it before `deliver`; an error shows there. `hang_up` ends it unused.
        """
        if self.server.path:
            return self
        try:
            dial = self._begin()
        except LinkError:
            return self
        dial.begin()
        return self._replace(dial=dial)

    def hang_up(self) -> None:
        """End a connection that was begun and not used."""
        if self.dial is not None:
            self.dial.close()

    def deliver(
        self, deliveries: Iterable[Delivery], /, witness: Witness | None = None
    ) -> Iterator[tuple[Settled, ...]]:
        """Deliver them over as few connections as possible."""
        queue, rest, dial = Queue(deliveries), tuple[Transaction, ...](), self.dial
        while rest or not queue.ended():
            try:
                link, extensions, said = self._open(dial, witness)
            except CccError as error:
                yield from self._give_up(rest, queue, error)
                return
            dial = None
            try:
                conversation = self._conversation(extensions, said, queue)
                for _ in drive(conversation.deliver(queue, rest), link):
                    yield from _known(conversation)
                yield from _known(conversation)
                if conversation.usable:
                    run(quit_session(), link)
                    link.leave()
            finally:
                link.close()
            rest = conversation.rest
            if conversation.ended_by is not None:
                yield from self._give_up(rest, queue, conversation.ended_by)
                return

    def _conversation(self, server: Extensions, said: int, queue: "Queue") -> Conversation:
        """What is said over one connection."""
        manner = self.manner
        lmtp = self.server.lmtp
        return Conversation(
            server, window=manner.window, said=said, lmtp=lmtp, hop=self.name, ending=queue.ended
        )

    def _give_up(
        self, begun: Iterable[Transaction], deliveries: Iterator[Delivery], error: CccError
    ) -> Iterator[tuple[Settled, ...]]:
        """Nothing more can be done for these."""
        for transaction in begun:
            transaction.error = error
            yield (Settled(transaction.delivery, tuple(transaction.outcomes(0, self.name))),)
        while some := tuple(given_up(each, error, self.name) for each in islice(deliveries, GIVEN_UP)):
            yield some

    def _open(self, dial: Dial | None, witness: Witness | None) -> tuple[Link, Extensions, int]:
        """An open session: its link, what the server offers, and how many octets it took so far."""
        if self.server.security in (Security.IMPLICIT, Security.STARTTLS) and self.manner.ca_file is None:
            from ccc.transport.tls import UnknownIssuer

            try:
                return self._open_with(dial, witness, every_root=False)
            except UnknownIssuer:  # the system may keep its roots elsewhere
                dial = None
        return self._open_with(dial, witness, every_root=True)

    def _open_with(
        self, dial: Dial | None, witness: Witness | None, *, every_root: bool
    ) -> tuple[Link, Extensions, int]:
        """Connect, secure, greet and log in."""
        socket, where, helo = self._connect(dial)
        transcript = self.manner.transcript
        if transcript:
            transcript.note(f"connected to {where}")
        secure: Secure | None = None
        link: Link | None = None
        try:
            if self.server.security is not Security.NONE:
                secure = self._secure(every_root=every_root)
            link = Link(
                socket,
                self.manner.timeouts,
                secure=secure,
                transcript=transcript,
                interrupts=self.manner.interrupts,
                witness=witness,
            )
            if self.server.security is Security.IMPLICIT:
                link.start_tls()
            extensions = run(open_session(self._opening(helo)), link)
        except BaseException:
            (link or socket).close()
            raise
        return link, extensions.without(*self.manner.hide), link.written

    def _begin(self) -> Dial:
        """A connection to one of the server's addresses, to be made."""
        addresses = look_up(self.server.host, self.server.port)
        return Dial(addresses, self.manner.timeouts.connect, self.manner.interrupts)

    def _connect(self, dial: Dial | None) -> tuple[Socket, str, str]:
        """A connection, the other end's name for eyes, and our name for the greeting."""
        if self.server.path:
            return connect_path(self.server.path), self.server.path, self.manner.helo or "localhost"
        socket = (dial or self._begin()).connected()
        ours, theirs = str(socket.getsockname()[0]), socket.getpeername()
        literal = f"[IPv6:{ours}]" if ":" in ours else f"[{ours}]"  # RFC 5321, 4.1.3
        return socket, f"{self.server.host} {shown(theirs)}", self.manner.helo or literal

    def _opening(self, helo: str) -> Opening:
        """How the session begins."""
        nonce = urandom(18).hex() if self.credentials else ""
        return Opening(helo, _STARTTLS[self.server.security], self.credentials, nonce, self.server.lmtp)

    def _secure(self, *, every_root: bool) -> Secure:
        """Puts TLS on the connection when its time comes, as this server asks for it."""

        def secure(plain: Socket, deadline: float) -> tuple[Socket, str]:
            from ccc.transport.tls import Trust, put_tls_on

            # Unverified is better than clear where nothing was promised (RFC 7435), and never where it was.
            verify = self.server.security is not Security.OPPORTUNISTIC
            trust = Trust(self.manner.ca_file, verify)
            return put_tls_on(
                plain,
                self.server.host,
                trust,
                deadline,
                every_root=every_root,
                interrupts=self.manner.interrupts,
            )

        return secure


def _known(conversation: Conversation) -> Iterator[tuple[Settled, ...]]:
    """What has become known since this was asked last, if anything."""
    if conversation.settled:
        known = tuple(conversation.settled)
        conversation.settled.clear()
        yield known
