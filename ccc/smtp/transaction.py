"""The record of one mail transaction (RFC 5321, 3.3): what was said, what was answered, what it means.

A transaction is *committed* once all its octets were handed over: from then on the server may have the
message although we have no reply, and a link that is lost leaves its recipients in doubt (RFC 1047).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from ccc.address import Mailbox
from ccc.delivery import Delivery, unanswered
from ccc.errors import CccError, Kind, LinkError
from ccc.receipt import Outcome, State
from ccc.smtp.replies import Reply

MOST_RECIPIENTS = 100  # RFC 5321, 4.5.3.1.8: a server must take at least so many


@dataclass(slots=True, eq=False, repr=False)
class Transaction:
    """A delivery, or the part of it that goes to `forward_paths`."""

    delivery: Delivery
    forward_paths: tuple[Mailbox, ...]
    lmtp: bool = False
    mail: Reply | None = None
    rcpts: list[Reply] = field(default_factory=list)
    data: Reply | None = None  # to DATA, or to a chunk that is not the last
    finals: list[Reply] = field(default_factory=list)  # to the whole content
    committed_at: int | None = None  # how many octets of the connection were said when its last one was
    over: bool = False  # nothing more will be said for it
    error: CccError | None = None  # why it was given up

    @classmethod
    def of(cls, delivery: Delivery, *, lmtp: bool) -> "Iterator[Transaction]":
        """The transactions that a delivery needs, each with as many recipients as any server must take."""
        paths = delivery.envelope.forward_paths
        for first in range(0, len(paths), MOST_RECIPIENTS):
            yield cls(delivery, paths[first : first + MOST_RECIPIENTS], lmtp)

    @property
    def accepted_rcpts(self) -> int:
        """How many recipients the server has accepted so far."""
        return sum(reply.accepted for reply in self.rcpts)

    @property
    def hopeful(self) -> tuple[Mailbox, ...]:
        """The recipients of whom it is not known yet that they are refused."""
        paths = enumerate(self.forward_paths)
        return tuple(mailbox for place, mailbox in paths if self._refusal(place) is None)

    @property
    def hopeless(self) -> bool:
        """It is known already that nobody will get it in this transaction."""
        if self.error is not None or (self.mail and self.mail.refused) or (self.data and self.data.refused):
            return True
        return len(self.rcpts) == len(self.forward_paths) and not self.accepted_rcpts

    @property
    def finals_due(self) -> int:
        """How many replies the whole content gets: one, in LMTP one a recipient (RFC 2033, 4.2)."""
        return max(1, self.accepted_rcpts) if self.lmtp else 1

    @property
    def left_open(self) -> bool:
        """The server may still be in this transaction, so that the next one must begin with RSET."""
        if self.data is not None and self.data.go_ahead:
            return False  # the dot ended it, whatever the answer (RFC 5321, 4.1.1.4)
        return self.mail is None or (self.mail.accepted and not any(reply.accepted for reply in self.finals))

    def committed(self, written: int) -> bool:
        """With so many octets handed over, the server may have the whole message."""
        return self.committed_at is not None and self.committed_at <= written

    @property
    def crowd(self) -> tuple[Mailbox, ...]:
        """The recipients that were only too many for this transaction (RFC 5321, 4.5.3.1.10)."""
        if not self.accepted_rcpts:
            return ()
        replies = zip(self.forward_paths, self.rcpts, strict=False)
        return tuple(mailbox for mailbox, reply in replies if _too_many(reply))

    def outcomes(self, written: int, hop: str = "") -> Iterator[Outcome]:
        """What became of each recipient; the crowd has another chance, unless this one was given up.

        `written` octets of the connection had been handed over at the end.
        """
        finals = iter(self.finals if self.lmtp else self.finals * len(self.forward_paths))
        crowd = self.crowd
        for place, mailbox in enumerate(self.forward_paths):
            if mailbox in crowd:
                if self.error is not None:
                    yield deferred(mailbox, self.rcpts[place], hop)
            elif reply := self._refusal(place) or next(finals, None):
                yield judge(mailbox, reply, hop)
            else:
                error = self.error or LinkError("the server did not answer")
                # In LMTP a 421 speaks for one recipient: the others may have it (RFC 2033, 4.2).
                undone = isinstance(error, ServiceClosing) and not self.lmtp
                committed = self.committed(written) and not undone
                yield unanswered(mailbox, error, committed=committed, hop=hop)

    @property
    def left(self) -> tuple[Mailbox, ...]:
        """The recipients whom nothing has been said of, or who were only too many."""
        refused = set(self.forward_paths) - set(self.hopeful) - set(self.crowd)
        return tuple(mailbox for mailbox in self.forward_paths if mailbox not in refused)

    def refusals(self, hop: str) -> Iterator[Outcome]:
        """What became of those who were refused before any content was judged, and not for a crowd."""
        left = self.left
        for place, mailbox in enumerate(self.forward_paths):
            reply = self._refusal(place)
            if reply is not None and mailbox not in left:
                yield judge(mailbox, reply, hop)

    def _refusal(self, place: int) -> Reply | None:
        """The reply that refused this recipient before any content was judged."""
        if self.mail is not None and self.mail.refused:
            return self.mail
        if place < len(self.rcpts) and self.rcpts[place].refused:
            return self.rcpts[place]
        if self.data is not None and self.data.refused:
            return self.data
        return None


class ServiceClosing(CccError):
    """The server closes the connection with `reply` 421 (RFC 5321, 3.8): what is unanswered was not done."""

    kind = Kind.TRY_LATER

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"the server closed the service: {reply}")
        self.reply = reply


def judge(mailbox: Mailbox, reply: Reply, hop: str = "") -> Outcome:
    """What the last reply for a recipient means."""
    if reply.accepted:
        return Outcome(mailbox, State.ACCEPTED, reply, reply.text, None, hop)
    if reply.transient:  # RFC 5321, 4.2.1
        return deferred(mailbox, reply, hop)
    return Outcome(mailbox, State.REFUSED, reply, reply.text, _kind(reply), hop, _cure(reply))


def deferred(mailbox: Mailbox, reply: Reply, hop: str = "") -> Outcome:
    """Refused for now, whatever the code."""
    return Outcome(mailbox, State.DEFERRED, reply, reply.text, Kind.TRY_LATER, hop, _cure(reply))


def _cure(reply: Reply) -> str:
    """What is known of such a refusal; "" if nothing is."""
    from ccc.smtp.refusals import cure  # no mail that goes well needs its words

    return cure(reply)


def _kind(reply: Reply) -> Kind:
    """What kind of failure a 5yz reply is."""
    match reply.code, reply.enhanced:
        case ((530 | 534 | 535 | 538), _):  # RFC 4954, 6
            return Kind.PERMISSION
        case ((521 | 556), _):  # RFC 7504, 3 and 4: the host, or the domain, takes no mail
            return Kind.DOMAIN
        case _, ("5.1.2" | "5.1.10"):  # RFC 3463, 3.2; RFC 7505, 4.1
            return Kind.DOMAIN
        case _, ("5.2.3" | "5.3.4"):  # RFC 3463, 3.3 and 3.4: too big
            return Kind.MESSAGE
        case _:
            return Kind.REFUSED


def _too_many(reply: Reply) -> bool:
    """It refuses this recipient only because of those before it (RFC 5321, 4.5.3.1.10)."""
    # A full mailbox or system says so in the enhanced code (RFC 3463, 3.3 and 3.4): that is no crowd.
    return reply.code in (452, 552) and reply.enhanced[2:] in ("", "5.3")
