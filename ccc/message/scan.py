"""One pass over a message at read time: everything the plan must know about octets it never holds.

How many octets go over the wire, whether they need 8BITMIME or SMTPUTF8, what is odd about their lines,
and the digest that tells this body from every other.
"""

import re
from typing import Final, NamedTuple

from ccc.errors import MessageError
from ccc.message.digest import BodyDigest
from ccc.message.lines import CR, CRLF, LF, LINE_LIMIT, Ruler, Unifier

_NUL: Final = b"\0"
# What stands between two messages of an mbox: an empty line, `From sender date`, a header field.
# Every repetition is bounded, so the search is linear.
_SEPARATOR: Final = re.compile(
    rb"\r\n\r\nFrom ([^\r\n]{1,400})\r\n(?:>From [^\r\n]{0,400}\r\n)?[!-9;-~]{1,80}[ \t]{0,8}:"
)
_SEPARATOR_LIMIT: Final = 1024  # octets such a match can have at most
_TIME: Final = re.compile(rb"\d:\d\d")


class Facts(NamedTuple):
    """What the pass found."""

    size: int  # octets of the body on the wire: CRLF line ends, the last line ended, no dots added
    eight_bit_header: bool
    eight_bit_body: bool
    long_lines: int  # of more than 998 octets
    crlf: int  # line ends by kind, in header and body
    lf: int
    cr: int
    cut_off: bool  # a multipart whose last boundary is missing
    body_digest: bytes

    @property
    def stray(self) -> int:
        """How many line ends are of another kind than most are."""
        return self.crlf + self.lf + self.cr - max(self.crlf, self.lf, self.cr)


class Scan:
    """Takes the header and then the body, block by block; knows the facts at the end."""

    __slots__ = ("_digest", "_eight_bit", "_lines", "_offset", "_ruler", "_size", "separators")

    def __init__(self, offset: int, separators: "Separators | None") -> None:
        """The body begins at `offset` of the file; separators are looked for where they can be."""
        self.separators = separators
        self._offset = offset
        self._lines = Unifier()
        self._ruler = Ruler()
        self._digest = BodyDigest()
        self._eight_bit = False
        self._size = 0

    def feed(self, block: bytes) -> None:
        """The next octets of the body; raises MessageError at a NUL."""
        refuse_nul(block, self._offset)
        self._offset += len(block)
        self._eight_bit = self._eight_bit or not block.isascii()
        self._measure(self._lines.feed(block))

    def finish(self, lead: bytes, head: bytes, cut_off: bool) -> Facts:
        """The facts; `head` is the header with the empty line, `lead` what stood before it."""
        self._measure(self._lines.finish())
        crlf, lf, cr = count_line_ends(lead + head)
        return Facts(
            size=self._size,
            eight_bit_header=not head.isascii(),
            eight_bit_body=self._eight_bit,
            long_lines=self._ruler.long_lines + _long_lines(head),
            crlf=crlf + self._lines.crlf,
            lf=lf + self._lines.lf,
            cr=cr + self._lines.cr,
            cut_off=cut_off,
            body_digest=self._digest.digest(),
        )

    def _measure(self, unified: bytes) -> None:
        self._size += len(unified)
        self._ruler.feed(unified)
        self._digest.feed(unified)
        if self.separators:
            self.separators.feed(unified)


class Separators:
    """Counts the mbox separators in a body with CRLF line ends."""

    __slots__ = ("_tail", "found")

    def __init__(self) -> None:
        self.found = 0
        self._tail = CRLF + CRLF  # the empty line that ended the header

    def feed(self, block: bytes) -> None:
        """Look at the next block, and again at the end of the last one."""
        window = self._tail + block
        sure = max(0, len(window) - _SEPARATOR_LIMIT)  # a match that begins here ends in the window
        self.found += _separators(window, sure)
        self._tail = window[sure:]

    def finish(self) -> int:
        """How many there are."""
        self.found += _separators(self._tail, len(self._tail))
        self._tail = b""
        return self.found


def _separators(window: bytes, stop: int) -> int:
    matches = (match for match in _SEPARATOR.finditer(window) if match.start() < stop)
    return sum(1 for match in matches if _TIME.search(match[1]))


def refuse_nul(block: bytes, offset: int) -> None:
    """Raise MessageError if a NUL is among these octets, which begin at `offset` of the file."""
    at = block.find(_NUL)
    if at >= 0:
        raise MessageError(  # RFC 5322, 4: obsolete, and servers differ in what they do to it
            "there is a NUL octet in the message",
            f"octet {offset + at + 1}",
            "no server can be trusted to carry it; remove it, e.g. with `tr -d '\\000'`",
        )


def count_line_ends(octets: bytes) -> tuple[int, int, int]:
    """How many CRLF, LF and CR there are."""
    if CR not in octets:
        return 0, octets.count(LF), 0
    crlf = octets.count(CRLF)
    return crlf, octets.count(LF) - crlf, octets.count(CR) - crlf


def is_utf8(octets: bytes) -> bool:
    """True for valid UTF-8 that is not just ASCII."""
    if octets.isascii():
        return False
    try:
        octets.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _long_lines(head: bytes) -> int:
    if len(head) <= LINE_LIMIT:
        return 0
    return sum(1 for line in head.splitlines() if len(line) > LINE_LIMIT)
