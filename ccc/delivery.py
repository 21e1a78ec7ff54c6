"""What is delivered, a content to the recipients of an envelope and to nobody else, and what came of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, Protocol

from ccc.address import Mailbox
from ccc.envelope import Envelope
from ccc.errors import CccError, Kind, UsageError
from ccc.message.message import Filed
from ccc.receipt import Outcome, State

Watch = Callable[[int], None]  # told, block by block, how many octets of a content have been read


class Sendable(Protocol):
    """A content as a route needs it; message.Content is one."""

    @property
    def size(self) -> int:
        """Octets with CRLF line ends, before dot-stuffing."""

    @property
    def eight_bit(self) -> bool:
        """Some octet is not ASCII."""

    @property
    def utf8_header(self) -> bool:
        """The header holds raw UTF-8 (RFC 6532)."""

    def blocks(self, end: bytes = b"\r\n") -> Iterator[bytes]:
        """All octets, every line end made `end`."""


class Watched(NamedTuple):
    """A content that tells how much of it has been read on its way out."""

    content: Sendable
    watch: Watch

    @property
    def size(self) -> int:
        """As the content has it."""
        return self.content.size

    @property
    def eight_bit(self) -> bool:
        """As the content has it."""
        return self.content.eight_bit

    @property
    def utf8_header(self) -> bool:
        """As the content has it."""
        return self.content.utf8_header

    def blocks(self, end: bytes = b"\r\n") -> Iterator[bytes]:
        """All octets; each block is told when it has been taken."""
        for block in self.content.blocks(end):
            yield block
            self.watch(len(block))


def watched(content: Sendable, watch: Watch | None) -> Sendable:
    """The content, and somebody who watches it go out if there is anybody."""
    return content if watch is None else Watched(content, watch)


@dataclass(frozen=True, slots=True)
class Dsn:
    """The delivery status notifications asked for (RFC 3461, 4); UsageError for what cannot be asked.

    `notify` is NEVER, or some of SUCCESS, FAILURE and DELAY; `ret` is FULL or HDRS; `envid` is up to a
    hundred printable characters that come back in the notifications.
    """

    notify: tuple[str, ...] = ()
    ret: str = ""
    envid: str = ""

    def __post_init__(self) -> None:
        never = self.notify == ("NEVER",)  # RFC 3461, 4.1: it stands alone
        known = never or {"SUCCESS", "FAILURE", "DELAY"}.issuperset(self.notify)
        printable = self.envid.isascii() and self.envid.isprintable()  # RFC 3461, 4.4
        if not known or self.ret not in ("", "FULL", "HDRS") or not printable or len(self.envid) > 100:
            raise UsageError(f"{self} cannot be asked for", "see RFC 3461, 4")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Delivery:
    """One content in one envelope; compared by identity, since two may be alike and still be two.

    `envid` is our own name for it, which comes back in notifications: said where a server offers DSN and the
    user gave no other. `filed` is how the message lay in the mailbox that it was read from, if there was one.
    `second` says that an earlier attempt is in doubt, so that it may have arrived already. `require_tls` asks
    every server on the way to pass it on over verified TLS or not at all (RFC 8689, 2).
    """

    envelope: Envelope
    content: Sendable
    dsn: Dsn | None = None
    envid: str = ""
    filed: Filed | None = None
    second: bool = False
    require_tls: bool = False


class Stage(Enum):
    """How far a delivery will have come when the next octets have gone out."""

    SENDING = "sending"  # it is begun: nobody can have it yet
    COMMITTING = "committing"  # it is whole: from here on the receiver may have it


class Witness(Protocol):
    """Who keeps on disk how far deliveries have come; no octet goes out before that."""

    def note(self, delivery: Delivery, forward_paths: tuple[Mailbox, ...], stage: Stage) -> None:
        """These recipients come to this stage with the next octets; kept in memory."""

    def secure(self) -> None:
        """Bring all that was noted to the disk; StateError if that cannot be."""


class Settled(NamedTuple):
    """What became of some recipients of a delivery, or of all of them."""

    delivery: Delivery
    outcomes: tuple[Outcome, ...]


def unanswered(mailbox: Mailbox, error: CccError, *, committed: bool = False, hop: str = "") -> Outcome:
    """What a recipient is left with when an error had the last word; `committed`: all was handed over."""
    if committed:
        state = State.IN_DOUBT  # RFC 1047, 2
    elif error.kind in (Kind.MESSAGE, Kind.REFUSED, Kind.DOMAIN):
        state = State.REFUSED
    else:
        state = State.DEFERRED
    return Outcome(mailbox, state, None, error.what, error.kind, hop, error.cure)


def settle_all(delivery: Delivery, outcome: Callable[[Mailbox], Outcome]) -> Settled:
    """The same thing happened to every recipient."""
    return Settled(delivery, tuple(outcome(mailbox) for mailbox in delivery.envelope.forward_paths))


def given_up(delivery: Delivery, error: CccError, hop: str = "") -> Settled:
    """Nothing of this delivery was said, because of `error`."""
    return settle_all(delivery, lambda mailbox: unanswered(mailbox, error, hop=hop))
