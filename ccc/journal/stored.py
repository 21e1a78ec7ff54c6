"""A content out of the journal: the octets that were about to go out, on their way out again.

They were written with CRLF line ends and are read as if they were not, so that a damaged spool can spoil a
message and never the dialogue that carries it.
"""

from collections.abc import Iterator
from typing import NamedTuple

from ccc.errors import CopyUnreadable, SourceChanged, StateError
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


def verified(octets: Octets, sha256: bytes) -> None:
    """Read all octets once; StateError if they are not those that were stored, CopyUnreadable if in vain."""
    from hashlib import sha256 as new

    digest = new()
    try:
        for block in blocks(octets):
            digest.update(block)
    except SourceChanged as error:
        raise CopyUnreadable(error.what) from error
    if digest.digest() != sha256:
        raise _damaged("its octets are not those that were stored")


def _damaged(how: str) -> StateError:
    return StateError(
        f"the journal's copy of the message is damaged: {how}",
        "nothing was sent; send the message anew from its source, with --again",
    )
