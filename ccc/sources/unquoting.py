"""What an mbox did to the lines of a body that begin with "From ": it put a ">" before them.

That ">" is taken off: one from each line that begins with ">From ", ">>From " and so on (mboxrd). Putting it
there again gives the file's octets, so nothing is lost. Where the body has a line that begins with a bare
"From ", the writer of the file does not quote, or not all of them, and every line stays as it is.
"""

import re
from array import array
from bisect import bisect_right
from typing import Final

from ccc.message.message import Mbox
from ccc.message.octets import BLOCK, Octets

_QUOTE: Final = re.compile(rb"\n>(?=>{0,99}From )")
_BARE: Final = b"\nFrom "
_EMPTY_LINE: Final = re.compile(rb"\n\r?\n")
_AROUND: Final = 128  # octets before and after a ">" that tell whether it is a quote
_CHUNK: Final = BLOCK - 2 * _AROUND


def unquoted(octets: Octets) -> tuple[Octets, Mbox]:
    """The message as it was before it came into an mbox, and what that changed."""
    body = _body(octets)
    removed, total = array("Q"), 0
    for number in range(_chunks(octets)):
        removed.append(total)
        held, base = _around(octets, number)
        if held.find(_BARE, max(0, body - 1 - base)) >= 0:
            return octets, Mbox(quoted=_count(octets, body))
        total += len(_quotes(held, base, number, body))
    return (Unquoted(octets, body, removed, total), Mbox(unquoted=total)) if total else (octets, Mbox())


class Unquoted:
    """Octets without the ">" that an mbox put among them: only how many stand where is held."""

    __slots__ = ("_body", "_removed", "_whole", "size")

    def __init__(self, whole: Octets, body: int, removed: "array[int]", total: int) -> None:
        """`removed` is how many stand before each chunk of `whole`, whose body begins at `body`."""
        self._whole = whole
        self._body = body
        self._removed = removed
        self.size = whole.size - total

    def block(self, offset: int) -> bytes:
        """BLOCK of them from `offset` on, fewer only at the end; raises SourceChanged."""
        block = bytearray()
        end = min(offset + BLOCK, self.size)
        while offset < end:
            number = bisect_right(range(len(self._removed)), offset, key=self._start) - 1
            skipped = offset - self._start(number)
            block += self._chunk(number)[skipped : skipped + end - offset]
            offset = min(end, self._start(number + 1) if number + 1 < len(self._removed) else end)
        return bytes(block)

    def _start(self, number: int) -> int:
        """Where a chunk begins when those before it are unquoted."""
        return number * _CHUNK - self._removed[number]

    def _chunk(self, number: int) -> bytes:
        held, base = _around(self._whole, number)
        at, stop = number * _CHUNK - base, (number + 1) * _CHUNK - base
        pieces = []
        for quote in _quotes(held, base, number, self._body):
            pieces.append(held[at:quote])
            at = quote + 1
        return b"".join((*pieces, held[at:stop]))


def _chunks(octets: Octets) -> int:
    return -(-octets.size // _CHUNK)


def _around(octets: Octets, number: int) -> tuple[bytes, int]:
    """A chunk with what is around it, and where that begins."""
    base = max(0, number * _CHUNK - _AROUND)
    return octets.block(base), base


def _quotes(held: bytes, base: int, number: int, body: int) -> list[int]:
    """Where in `held` a ">" of this chunk is a quote."""
    first = max(number * _CHUNK, body) - base
    last = (number + 1) * _CHUNK - base
    quotes = (match.start() + 1 for match in _QUOTE.finditer(held))
    return [quote for quote in quotes if first <= quote < last]


def _count(octets: Octets, body: int) -> int:
    return sum(len(_quotes(*_around(octets, each), each, body)) for each in range(_chunks(octets)))


def _body(octets: Octets) -> int:
    """Where the body begins."""
    for number in range(_chunks(octets)):
        held, base = _around(octets, number)
        if empty := _EMPTY_LINE.search(held):
            return base + empty.end()
    return octets.size
