"""The part of a delivery that goes one course: a delivery of its own, to some of the recipients.

Its octets are read in the calling thread, where the file or the database is that they come from.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final, NamedTuple, Protocol

from ccc.address import Mailbox
from ccc.delivery import Delivery, Sendable, Watched
from ccc.envelope import Envelope

READ: Final = 1 << 18  # octets, at least, that are read in one go


class Ask(Protocol):
    """Has the calling thread do something, and waits for what comes of it."""

    def __call__(self, do: "Callable[[], tuple[bytes, bool]]", /) -> tuple[bytes, bool]:
        """What came of it."""


class Remote(NamedTuple):
    """A content as another thread reads it."""

    content: Sendable
    ask: Ask

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
        """All octets."""
        stream = _Stream(self.content, end)
        ended = False
        while not ended:
            octets, ended = self.ask(stream.read)
            if octets:
                yield octets


class _Stream:
    """One reading of a content; nothing is opened before the calling thread reads."""

    def __init__(self, content: Sendable, end: bytes) -> None:
        self._content = content
        self._end = end
        self._blocks: Iterator[bytes] | None = None

    def read(self) -> tuple[bytes, bool]:
        """Some octets, and whether these were the last."""
        if self._blocks is None:
            self._blocks = self._content.blocks(self._end)
        some: list[bytes] = []
        size = 0
        for block in self._blocks:
            some.append(block)
            size += len(block)
            if size >= READ:
                return b"".join(some), False
        return b"".join(some), True


def parcel(
    delivery: Delivery, paths: tuple[Mailbox, ...], ask: Ask, *, first: bool, require_tls: bool
) -> Delivery:
    """The delivery to these recipients alone; who watches the octets go out sees those of the `first` one."""
    content = delivery.content
    if isinstance(content, Watched) and not first:
        content = content.content
    envelope = Envelope(delivery.envelope.reverse_path, paths)
    return replace(delivery, envelope=envelope, content=Remote(content, ask), require_tls=require_tls)
