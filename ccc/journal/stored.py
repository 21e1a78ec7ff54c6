"""A content out of the journal: the octets that were about to go out, on their way out again.

They were written with CRLF line ends and are read as if they were not, so that a damaged spool can spoil a
message and never the dialogue that carries it.
"""

from collections.abc import Iterator
from typing import NamedTuple

from ccc.errors import CopyUnreadable, MessageError, SourceChanged, StateError
from ccc.message.lines import CRLF, unify
from ccc.message.octets import Octets, blocks


class Stored(NamedTuple):
    """A content as it was planned: what a route needs to know of it, and its octets with CRLF line ends."""

    size: int
    eight_bit: bool  # needs 8BITMIME, RFC 6152
    utf8_header: bool  # needs SMTPUTF8, RFC 6531
    octets: Octets

    def blocks(self, end: bytes = CRLF) -> Iterator[bytes]:
        """The octets, with `end` after each line; raises CopyUnreadable."""
        try:
            yield from unify(blocks(self.octets), end)
        except (SourceChanged, StateError) as error:
            raise CopyUnreadable(error.what) from error


class Verified(NamedTuple):
    """Octets that are those with this SHA-256: whoever reads them from the beginning can be sure of it."""

    octets: Octets
    sha256: bytes

    @property
    def size(self) -> int:
        """How many there are."""
        return self.octets.size

    def block(self, offset: int) -> bytes:
        """BLOCK of them from `offset` on; MessageError, before the first one, if they are others."""
        if offset == 0:
            self._verify()
        return self.octets.block(offset)

    def _verify(self) -> None:
        from hashlib import sha256

        digest = sha256()
        for block in blocks(self.octets):
            digest.update(block)
        if digest.digest() != self.sha256:
            raise MessageError(
                "the journal's copy of the message is damaged: its octets are not those that were stored",
                cure="nothing was sent; send the message anew from its source, with --again",
            )
