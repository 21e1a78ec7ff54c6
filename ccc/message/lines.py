"""Line ends: CRLF, LF and CR are one line end each, and a message leaves with one kind only.

The scan at read time, the header and the wire all count line ends here, so that no octet can be a line
end to one of them and text to another (that difference is what SMTP smuggling lives on).
"""

from collections.abc import Iterable, Iterator
from typing import Final

CR: Final = b"\r"
LF: Final = b"\n"
CRLF: Final = b"\r\n"
LINE_LIMIT: Final = 998  # RFC 5322, 2.1.1: octets in a line, excluding the CRLF


class Unifier:
    r"""Makes every line end `end`; counts what kinds there were. "\r\r\n" is CR and then CRLF."""

    __slots__ = ("_end", "_held", "_open", "cr", "crlf", "lf")

    def __init__(self, end: bytes = CRLF) -> None:
        self._end = end
        self._held = False  # a CR at the end of a block waits for the LF that may follow
        self._open = False  # the last line has no end yet
        self.crlf = self.lf = self.cr = 0

    def feed(self, block: bytes) -> bytes:
        """The next octets with their line ends unified; blocks may be cut anywhere."""
        if self._held:
            block = CR + block
        self._held = block.endswith(CR)
        if self._held:
            block = block[:-1]
        if not block:
            return b""
        self._open = not block.endswith(LF) and not self._held
        if CR not in block:
            return self._from_lf(block)
        return self._from_crlf(block)

    def finish(self) -> bytes:
        """What is still missing: the end of the last line (RFC 5321, 4.1.1.4)."""
        self.cr += self._held
        missing = self._held or self._open
        self._held = self._open = False
        return self._end if missing else b""

    def _from_lf(self, block: bytes) -> bytes:
        crlf = block.replace(LF, CRLF)
        self.lf += len(crlf) - len(block)
        return crlf if self._end == CRLF else block

    def _from_crlf(self, block: bytes) -> bytes:
        without_cr = block.replace(CR, b"")
        if without_cr.replace(LF, CRLF) != block:
            return self._from_mixed(block)
        self.crlf += len(block) - len(without_cr)
        return block if self._end == CRLF else without_cr

    def _from_mixed(self, block: bytes) -> bytes:
        crlf = block.count(CRLF)
        self.crlf += crlf
        self.lf += block.count(LF) - crlf
        self.cr += block.count(CR) - crlf
        return block.replace(CRLF, LF).replace(CR, LF).replace(LF, self._end)


def unify(blocks: Iterable[bytes], end: bytes = CRLF) -> Iterator[bytes]:
    """The same lines with `end` after each; the last line gets its end, no line stays no line."""
    unifier = Unifier(end)
    for block in blocks:
        if unified := unifier.feed(block):
            yield unified
    if last := unifier.finish():
        yield last


def unified(octets: bytes, end: bytes = CRLF) -> bytes:
    """The same for octets at hand."""
    return b"".join(unify((octets,), end))


class Ruler:
    """Counts lines of more than 998 octets in text with CRLF line ends, in steps of many lines."""

    __slots__ = ("_inside", "_open", "long_lines")

    def __init__(self) -> None:
        self.long_lines = 0
        self._open = 0  # octets of the line that the last block ended in
        self._inside = False  # that line is too long already, and counted

    def feed(self, block: bytes) -> None:
        """Measure the next block, in which no CRLF may be cut in two."""
        at = -self._open
        if self._inside:
            at = block.find(LF) + 1
            self._inside = not at
        while not self._inside and len(block) - at >= LINE_LIMIT + 2:
            # The last line end within reach: all lines before it are short enough.
            stop = block.rfind(LF, max(at, 0), at + LINE_LIMIT + 2)
            if stop < 0:
                self.long_lines += 1
                stop = block.find(LF, max(at, 0))
                self._inside = stop < 0
            at = stop + 1
        last = block.rfind(LF, max(at, 0))
        self._open = len(block) - (at if last < 0 else last + 1)
