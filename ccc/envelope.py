"""The envelope: who gets a message, and where reports about it go (RFC 5321, 2.3.1).

It is made of mailboxes that somebody named, never of a message: nothing here imports one, so that no header
field can become a recipient. One that is empty, or whose commands would not be valid, cannot be built.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

from ccc.address import Mailbox, undeliverable
from ccc.errors import UsageError


@dataclass(frozen=True, slots=True)
class Envelope:
    """Reverse-path (None is the null one, `<>`) and forward-paths, in the order of their RCPT commands."""

    reverse_path: Mailbox | None
    forward_paths: tuple[Mailbox, ...]

    def __post_init__(self) -> None:
        if not self.forward_paths:
            raise UsageError("the envelope has no recipient", "name one with --to, --cc or --bcc")
        if self.reverse_path is not None:
            _check(self.reverse_path)
        for mailbox in self.forward_paths:
            _check(mailbox)
        if len({mailbox.key for mailbox in self.forward_paths}) < len(self.forward_paths):
            raise UsageError("the envelope names a recipient twice", "name each one once")

    @classmethod
    def to(cls, reverse_path: Mailbox | None, *lists: Iterable[Mailbox]) -> "Envelope":
        """The envelope to all mailboxes in `lists`, each one once, where it is named first."""
        named: dict[tuple[str, str], Mailbox] = {}
        for mailbox in chain(*lists):
            named.setdefault(mailbox.key, mailbox)
        return cls(reverse_path, tuple(named.values()))


def _check(mailbox: object) -> None:
    if not isinstance(mailbox, Mailbox):
        raise UsageError(f"an envelope is made of mailboxes, not of {type(mailbox).__name__}")
    if reason := undeliverable(mailbox):
        raise UsageError(f"{mailbox.eyes()} cannot stand in an envelope: {reason}")
