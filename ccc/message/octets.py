"""Where a message's octets come from: a size, and blocks by offset.

A body may be larger than memory, so nobody holds it: whoever needs it asks for one block after the
other. Files, spools and strings of octets all look like this to the pure floor.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple, Protocol

from ccc.errors import SourceChanged

BLOCK: Final = 256 * 1024


class Octets(Protocol):
    """A row of octets of known size that can be read again."""

    @property
    def size(self) -> int:
        """How many there are."""
        ...

    def block(self, offset: int) -> bytes:
        """BLOCK of them from `offset` on, fewer only at the end; raises SourceChanged."""
        ...


class HeldOctets(NamedTuple):
    """Octets held in memory: small messages and those a program made itself."""

    held: bytes

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self.held)

    def block(self, offset: int) -> bytes:
        """BLOCK of them from `offset` on, fewer only at the end."""
        return self.held[offset : offset + BLOCK]


class Rest(NamedTuple):
    """All octets of `whole` from `start` on: the body of a message."""

    whole: Octets
    start: int

    @property
    def size(self) -> int:
        """How many there are."""
        return self.whole.size - self.start

    def block(self, offset: int) -> bytes:
        """BLOCK of them from `offset` on, fewer only at the end."""
        return self.whole.block(self.start + offset)


def blocks(octets: Octets, offset: int = 0) -> Iterator[bytes]:
    """Every block from `offset` to the end; raises SourceChanged where the end comes too early."""
    while offset < octets.size:
        block = octets.block(offset)
        if not block:
            raise SourceChanged(
                "the message became shorter while it was read", f"octet {offset + 1}", "try again"
            )
        yield block
        offset += len(block)
