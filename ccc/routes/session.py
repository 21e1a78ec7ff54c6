"""What the routes over SMTP share: a session opened on a connection, and a conversation held over it."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from ccc.delivery import Delivery, Settled, Witness, given_up
from ccc.errors import CccError
from ccc.smtp.conversation import Conversation
from ccc.smtp.extensions import Extensions
from ccc.smtp.session import Opening, open_session, quit_session
from ccc.smtp.transaction import Transaction
from ccc.transport.link import Link, Secure, Socket, drive, run

if TYPE_CHECKING:
    from ccc.routes.submission import Manner

GIVEN_UP = 100  # deliveries that are given up in one go


def address_literal(address: str) -> str:
    """An address as a name to greet with (RFC 5321, 4.1.3)."""
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"


def opened(
    socket: Socket,
    where: str,
    opening: Opening,
    manner: "Manner",
    *,
    secure: Secure | None = None,
    at_once: bool = False,
    witness: Witness | None = None,
) -> tuple[Link, Extensions]:
    """A session on a new connection to `where`: its link, and what the server offers; else it is closed.

    `secure` puts TLS on it, `at_once` if the server does not speak in clear at all.
    """
    transcript = manner.transcript
    if transcript:
        transcript.note(f"connected to {where}")
    link: Link | None = None
    try:
        link = Link(
            socket,
            manner.timeouts,
            secure=secure,
            transcript=transcript,
            interrupts=manner.interrupts,
            witness=witness,
        )
        if at_once:
            link.start_tls()
        extensions = run(open_session(opening), link)
    except BaseException:
        (link or socket).close()
        raise
    return link, extensions.without(*manner.hide)


def conversed(
    conversation: Conversation,
    link: Link,
    deliveries: Iterable[Delivery],
    rest: Iterable[Transaction] = (),
) -> Iterator[tuple[Settled, ...]]:
    """Hold the conversation and close the link; what has become known, whenever it may be taken."""
    try:
        for _ in drive(conversation.deliver(deliveries, rest), link):
            yield from _known(conversation)
        yield from _known(conversation)
        if conversation.usable:
            run(quit_session(), link)
            link.leave()
    finally:
        link.close()


def left(
    begun: Iterable[Transaction], deliveries: Iterable[Delivery], error: CccError, hop: str = ""
) -> Iterator[tuple[Settled, ...]]:
    """Nothing more can be done for these."""
    for transaction in begun:
        transaction.error = error
        yield (Settled(transaction.delivery, tuple(transaction.outcomes(0, hop))),)
    waiting = iter(deliveries)
    while some := tuple(given_up(each, error, hop) for each in islice(waiting, GIVEN_UP)):
        yield some


def _known(conversation: Conversation) -> Iterator[tuple[Settled, ...]]:
    """What has become known since this was asked last, if anything."""
    if conversation.settled:
        known = tuple(conversation.settled)
        conversation.settled.clear()
        yield known
