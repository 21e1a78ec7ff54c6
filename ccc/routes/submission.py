"""A submission server (RFC 6409), or an LMTP server (RFC 2033): the dialogues of smtp/ over a connection.

A batch goes over one connection. Another one is opened only if a message of ours spoilt the first; when the
server or the network ended it, what was not begun is deferred.
"""

from collections.abc import Iterable, Iterator
from os import urandom
from typing import TYPE_CHECKING, NamedTuple

from ccc.delivery import Delivery, Settled, Witness
from ccc.errors import CccError, LinkError
from ccc.routes.queue import Queue
from ccc.routes.session import address_literal, conversed, left, opened
from ccc.smtp.conversation import Conversation
from ccc.smtp.extensions import Extensions
from ccc.smtp.session import Opening, StartTLSPolicy
from ccc.smtp.transaction import Transaction
from ccc.transport.dial import Dial, connect_path, look_up, shown
from ccc.transport.interrupts import Interrupts
from ccc.transport.link import Link, Secure, Socket
from ccc.transport.server import Security, Server
from ccc.transport.timeouts import Timeouts
from ccc.transport.transcript import Transcript

if TYPE_CHECKING:
    from ccc.accounts.renewal import Login
    from ccc.smtp.login import Credentials, Keys

_STARTTLS = {
    Security.IMPLICIT: StartTLSPolicy.NEVER,
    Security.STARTTLS: StartTLSPolicy.REQUIRED,
    Security.OPPORTUNISTIC: StartTLSPolicy.OPPORTUNISTIC,
    Security.NONE: StartTLSPolicy.NEVER,
}


class Manner(NamedTuple):
    """How a server is spoken to: what the user may set, and whom a session is shown to.

    The last two say which addresses a mail host may have that a domain names (see mx/usable.py).
    """

    ca_file: str | None = None
    timeouts: Timeouts = Timeouts()
    helo: str = ""  # our domain; the address of our end of the connection if empty (RFC 5321, 4.1.4)
    window: int = 4  # contents unanswered at once
    hide: tuple[str, ...] = ()  # extensions that are not used though they are offered
    transcript: Transcript | None = None
    interrupts: Interrupts | None = None
    allow_private: bool = False  # those of private networks
    allow_loopback: bool = False  # this host: for tests


class Submission(NamedTuple):
    """The route to one server.

    Keys are asked for credentials when a session begins, and for others when those are refused; or when the
    server ends a session whose token has expired, which then goes on over another connection.
    """

    server: Server
    credentials: "Credentials | Keys | None" = None
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
        login = self._login()
        while rest or not queue.ended():
            try:
                link, extensions = self._open(dial, witness, login)
            except CccError as error:
                if dial is not None:
                    dial.close()
                yield from left(rest, queue, error, self.name)
                return
            dial = None
            conversation = self._conversation(extensions, link.written, queue, login)
            yield from conversed(conversation, link, queue, rest)
            rest = conversation.rest
            if conversation.ended_by is not None:
                yield from left(rest, queue, conversation.ended_by, self.name)
                return

    def _login(self) -> "Login | None":
        """Who logs in, if anybody does."""
        if self.credentials is None:
            return None
        from ccc.accounts.renewal import Login

        return Login(self.credentials)

    def _conversation(
        self, server: Extensions, said: int, queue: "Queue", login: "Login | None"
    ) -> Conversation:
        """What is said over one connection."""
        return Conversation(
            server,
            window=self.manner.window,
            said=said,
            lmtp=self.server.lmtp,
            hop=self.name,
            ending=queue.ended,
            another=login.expired if login else lambda: False,
        )

    def _open(
        self, dial: Dial | None, witness: Witness | None, login: "Login | None"
    ) -> tuple[Link, Extensions]:
        """An open session: its link, and what the server offers.

        A refused login is tried again with other credentials, for as long as there are any.
        """
        if login is None:
            return self._open_trusting(dial, witness, None)
        begun = [dial]  # for the first attempt; the others dial anew

        def attempt(credentials: "Credentials") -> tuple[Link, Extensions]:
            return self._open_trusting(begun.pop() if begun else None, witness, credentials)

        return login.using(attempt)

    def _open_trusting(
        self, dial: Dial | None, witness: Witness | None, credentials: "Credentials | None"
    ) -> tuple[Link, Extensions]:
        """The same with these credentials."""
        if self.server.security in (Security.IMPLICIT, Security.STARTTLS) and self.manner.ca_file is None:
            from ccc.transport.tls import with_roots

            return with_roots(
                lambda every: self._open_with(None if every else dial, witness, credentials, every_root=every)
            )
        return self._open_with(dial, witness, credentials, every_root=True)

    def _open_with(
        self,
        dial: Dial | None,
        witness: Witness | None,
        credentials: "Credentials | None",
        *,
        every_root: bool,
    ) -> tuple[Link, Extensions]:
        """Connect, secure, greet and log in."""
        socket, where, helo = self._connect(dial)
        security = self.server.security
        return opened(
            socket,
            where,
            self._opening(helo, credentials),
            self.manner,
            secure=None if security is Security.NONE else self._secure(every_root=every_root),
            at_once=security is Security.IMPLICIT,
            witness=witness,
        )

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
        return socket, f"{self.server.host} {shown(theirs)}", self.manner.helo or address_literal(ours)

    def _opening(self, helo: str, credentials: "Credentials | None") -> Opening:
        """How the session begins."""
        nonce = urandom(18).hex() if credentials else ""
        return Opening(helo, _STARTTLS[self.server.security], credentials, nonce, self.server.lmtp)

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
