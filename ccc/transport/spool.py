"""Octets that can be read only once, kept in a file without a name, so that they can be read again.

A message may be larger than memory, and it is read several times: for its plan, and on its way out.
"""

import os

from ccc.errors import SourceChanged, StateError
from ccc.message.octets import BLOCK


class NamelessFile:
    """A file that nobody else can see, and that goes with this object; `what` it keeps, for an error."""

    __slots__ = ("_descriptor", "_more", "_what", "size")

    def __init__(self, what: str, more: str = "") -> None:
        """`more` is what else helps where there is no room. StateError."""
        import tempfile

        self._descriptor, self._what, self._more = -1, what, more
        self.size = 0
        try:
            with tempfile.TemporaryFile(buffering=0) as file:
                self._descriptor = os.dup(file.fileno())
        except OSError as problem:
            raise self._full(problem) from problem

    def append(self, octets: bytes | bytearray) -> int:
        """Where in the file they are now. StateError if there is no room for them."""
        start, left = self.size, memoryview(octets)
        try:
            while left:
                left = left[os.pwrite(self._descriptor, left, start + len(octets) - len(left)) :]
        except OSError as problem:
            raise self._full(problem) from problem
        self.size += len(octets)
        return start

    def read(self, offset: int, count: int) -> bytes:
        """At most so many octets from there on, and some where there are some. SourceChanged."""
        try:
            octets = os.pread(self._descriptor, count, offset)
        except OSError as problem:
            raise _lost(f"cannot be read any more ({problem.strerror})") from problem
        if count and not octets:
            raise _lost("ended early")
        return octets

    def __del__(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)

    def _full(self, problem: OSError) -> StateError:
        return StateError(
            f"{self._what} cannot be kept: {problem.strerror}",
            f"make room, {'' if self._more else 'or '}set TMPDIR to a folder that has some{self._more}",
        )


class SpooledOctets:
    """So many octets of such a file."""

    __slots__ = ("_file", "_start", "size")

    def __init__(self, file: NamelessFile, start: int, size: int) -> None:
        self._file = file
        self._start = start
        self.size = size

    def block(self, offset: int) -> bytes:
        """At most BLOCK octets from `offset`; none only at the end."""
        return self._file.read(self._start + offset, max(0, min(BLOCK, self.size - offset)))

    def close(self) -> None:
        """Nothing: they cannot be fetched again, so they stay as long as this object."""


class Spool:
    """Such a file that is being written; `what` it keeps, for an error."""

    def __init__(self, what: str) -> None:
        self._file: NamelessFile | None = NamelessFile(what)
        self.size = 0

    def write(self, octets: bytes | bytearray) -> None:
        """Add these octets. StateError if there is no room for them."""
        self._open().append(octets)
        self.size += len(octets)

    def finish(self) -> SpooledOctets:
        """Everything that was written."""
        return SpooledOctets(self._open(), 0, self.size)

    def close(self) -> None:
        """Drop what was written, unless somebody has it."""
        self._file = None

    def _open(self) -> NamelessFile:
        if self._file is None:
            raise TypeError("the spool is closed")
        return self._file


def _lost(how: str) -> SourceChanged:
    return SourceChanged(f"the spool {how}", cure="run it again")
