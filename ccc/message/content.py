"""What goes out: an edited header, the empty line, and the body as it is, with one kind of line end.

smtp/, the routes and --save-bytes all take their octets from here, so that what was counted, shown and
sent is the same (law 3).
"""

from collections.abc import Iterator
from typing import NamedTuple

from ccc.message.header import Header
from ccc.message.lines import CRLF, unified, unify
from ccc.message.octets import Octets, blocks
from ccc.message.scan import Facts, is_utf8


class Content(NamedTuple):
    """The octets of one message on their way out."""

    head: bytes  # header and empty line, with CRLF line ends
    body: Octets  # as it came
    body_size: int  # as it goes
    eight_bit: bool  # needs 8BITMIME, RFC 6152
    utf8_header: bool  # needs SMTPUTF8, RFC 6531: its 8-bit octets are UTF-8, RFC 6532, 3

    @property
    def size(self) -> int:
        """Octets on the wire with CRLF line ends and without the dots of SMTP (RFC 1870, 3)."""
        return len(self.head) + self.body_size

    def blocks(self, end: bytes = CRLF) -> Iterator[bytes]:
        """The octets, with `end` after each line; raises SourceChanged."""
        yield self.head if end == CRLF else unified(self.head, end)
        yield from unify(blocks(self.body), end)


def compose(header: Header, separator: bytes, body: Octets, facts: Facts) -> Content:
    """The header over the body; a header-only message has no separator and gets none."""
    head = header.wire() + (CRLF if separator else b"")
    ascii_head = head.isascii()
    return Content(
        head=head,
        body=body,
        body_size=facts.size,
        eight_bit=facts.eight_bit_body or not ascii_head,
        utf8_header=not ascii_head and is_utf8(head),
    )
