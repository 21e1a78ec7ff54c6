"""A message: its header, and its body as a size and a way to read it.

read() refuses what cannot be delivered safely, with the reason and the place. Everything else is
taken as it is; what is odd about it becomes a finding.
"""

import re
from typing import Final, NamedTuple

from ccc.errors import MessageError
from ccc.message.content import Content, compose
from ccc.message.digest import identity, message_id
from ccc.message.header import JUNK, Header, parse, separator_at
from ccc.message.lines import CR, CRLF, LF
from ccc.message.multipart import close_delimiter, looks_cut_off
from ccc.message.octets import Octets, Rest, blocks
from ccc.message.scan import Facts, Scan, Separators, count_line_ends, refuse_nul

HEADER_LIMIT: Final = 8 * 1024 * 1024
LINES_LIMIT: Final = 100_000  # of a header: each field takes memory, however short it is
BOM: Final = b"\xef\xbb\xbf"
_UTF16_BOMS: Final = (b"\xff\xfe", b"\xfe\xff")
_LINE_ENDS: Final = (CR, LF)
_WSP: Final = (b" ", b"\t")
_SAMPLE: Final = 64  # octets to look at for UTF-16 without a mark
# Not "From :", which is a field in an obsolete form (RFC 5322, 4.5.8).
_FROM_LINE: Final = re.compile(rb">?From (?![ \t]*:)[^\r\n]*(?:\r\n|\r|\n)")


class Origin(NamedTuple):
    """Where in a mail store a message lies; a UID counts under its UIDVALIDITY (RFC 3501, 2.3.1.1)."""

    account: str
    folder: str
    uidvalidity: int
    uid: int


class Filed(NamedTuple):
    """How a message lies in a mailbox: its flags, and when it came there in Unix time if that is known."""

    flags: tuple[str, ...] = ()
    received: float | None = None


class Mbox(NamedTuple):
    """What an mbox file did to a message, and what became of that."""

    unquoted: int = 0  # lines of the body that lost the ">" which the mbox had put before their "From "
    quoted: int = 0  # lines of the body that keep it, since it may be their own
    inside: int = 0  # From_ lines as before a further message, which are counted to this one


class Message(NamedTuple):
    """One message of a source."""

    name: str  # of the source, for people
    lead: bytes  # what stood before the header: a byte-order mark, From_ lines
    header: Header
    separator: bytes  # the empty line; b"" if the file ends with the header
    body: Octets
    facts: Facts
    origin: Origin | None = None  # of a message that is not a file
    filed: Filed | None = None  # of a message of a mailbox
    mbox: Mbox | None = None  # of a message of an mbox file

    @property
    def message_id(self) -> str:
        """The Message-ID with its angle brackets, or ""."""
        return message_id(self.header).decode("utf-8", "backslashreplace")

    @property
    def digest(self) -> str:
        """The identity of the message in the journal."""
        return identity(self.header, self.facts.body_digest)

    @property
    def has_bom(self) -> bool:
        """True if a byte-order mark was dropped."""
        return self.lead.startswith(BOM)

    @property
    def from_line(self) -> bytes:
        """The From_ line of an mbox file without its line end, or b""."""
        lines = self.lead.removeprefix(BOM).splitlines()
        return lines[0] if lines else b""

    @property
    def first_line(self) -> int:
        """The number of the line of the file that the header begins on."""
        return _lines(self.lead) + 1

    def content(self, header: Header) -> Content:
        """What goes out when the header is edited to this."""
        return compose(header, self.separator, self.body, self.facts)


def read(octets: Octets, name: str, *, counted: bool = False) -> Message:
    """Read the header and scan the whole message once; raises MessageError and SourceChanged.

    `counted`: an mbox file counts its octets, so what looks like a further message belongs to it.
    """
    buffer, start, end = _read_header(octets)
    lead = buffer[:start]
    place = f"line {_lines(lead) + 1}"
    _refuse_huge(buffer[start:end], place)
    header = Header(parse(buffer[start:end]))
    _refuse_headless(header, buffer[start : start + 1], place)
    body_start = end + _separator_length(buffer, end)
    scan = Scan(body_start, Separators() if lead.removeprefix(BOM) else None)
    if rest := buffer[body_start:]:
        scan.feed(rest)
    for block in blocks(octets, len(buffer)):
        scan.feed(block)
    inside = scan.separators.finish() if scan.separators else 0
    if inside and not counted:
        raise _several(inside + 1)
    body = Rest(octets, body_start)
    closing = close_delimiter(header)
    cut_off = bool(closing) and closing not in rest and looks_cut_off(body, closing)
    facts = scan.finish(lead, buffer[start:body_start], cut_off)
    mbox = Mbox(inside=inside) if inside else None
    return Message(name, lead, header, buffer[end:body_start], body, facts, mbox=mbox)


def _read_header(octets: Octets) -> tuple[bytes, int, int]:
    """The first octets of the file, and where in them the header begins and ends."""
    buffer = octets.block(0)
    _refuse_utf16(buffer)
    refuse_nul(buffer, 0)
    start = _lead_length(buffer)
    end = _header_end(buffer, start, start, octets.size)
    if end < 0 and len(buffer) < octets.size:
        buffer, end = _read_on(octets, buffer, start)
    return buffer, start, len(buffer) if end < 0 else end


def _read_on(octets: Octets, first: bytes, start: int) -> tuple[bytes, int]:
    """The same for a header that does not end in the first block."""
    buffer = bytearray(first)
    for block in blocks(octets, len(first)):
        refuse_nul(block, len(buffer))
        searched = len(buffer)
        buffer += block
        end = _header_end(buffer, start, max(start, searched - 2), octets.size)
        if end >= 0 or len(buffer) - start > HEADER_LIMIT:
            return bytes(buffer), end
    return bytes(buffer), -1


def _header_end(buffer: bytes | bytearray, start: int, searched: int, size: int) -> int:
    """Where the empty line begins, or -1 if it is not (or not wholly) in the buffer."""
    if buffer[start : start + 1] in _LINE_ENDS:
        return start
    end = separator_at(buffer, searched)
    cut = end + 1 == len(buffer) < size  # a CR whose LF may come with the next block
    return -1 if cut else end


def _separator_length(buffer: bytes, end: int) -> int:
    return 2 if buffer.startswith(CRLF, end) else min(1, len(buffer) - end)


def _lead_length(buffer: bytes) -> int:
    """How much stands before the header: a byte-order mark, From_ lines (also escaped ones)."""
    start = len(BOM) if buffer.startswith(BOM) else 0
    while line := _FROM_LINE.match(buffer, start):
        start = line.end()
    return start


def _refuse_utf16(buffer: bytes) -> None:
    sample = buffer[:_SAMPLE]
    even, odd = sample[::2].strip(b"\0"), sample[1::2].strip(b"\0")
    if buffer.startswith(_UTF16_BOMS) or (len(sample) > 1 and bool(even) != bool(odd)):
        raise MessageError(
            "the file is UTF-16 text",
            "octet 1",
            "convert it first: iconv -f UTF-16 -t UTF-8 FILE",
        )


def _refuse_huge(header: bytes, place: str) -> None:
    """Refuse a header that is no mail's, before any of its fields takes memory."""
    cure = "look whether this file is a message at all"
    if len(header) > HEADER_LIMIT:
        raise MessageError("the header is over 8 MiB", place, cure)
    if (lines := sum(count_line_ends(header))) > LINES_LIMIT:
        raise MessageError(f"the header has {lines} lines, and {LINES_LIMIT} are the most", place, cure)


def _refuse_headless(header: Header, first: bytes, place: str) -> None:
    """Refuse a message without any header field (RFC 5322, 3.6) or with a fold on top."""
    cure = "give the message as it was sent, header first"
    if first in _WSP:
        # It would become part of whatever field is put above it (RFC 5322, 2.2.3).
        raise MessageError("the first line is a continuation", place, cure)
    if all(field.key == JUNK for field in header):
        raise MessageError("there is no header field", place, cure)


def _several(count: int) -> MessageError:
    return MessageError(
        f"there are {count} messages in the file",
        cure="name one of them, as mbox:PATH#1; if it is one message, remove its From line",
    )


def _lines(lead: bytes) -> int:
    return len(lead.removeprefix(BOM).splitlines())
