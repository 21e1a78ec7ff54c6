"""Messages that come in great number and wait to be sent: those beyond the first few lie on the disk.

They lie one behind the other in a file without a name, and are read when their turn has come. A file that
nobody needs any more goes with the last of its messages.
"""

from typing import Final

from ccc.message.octets import HeldOctets, Octets
from ccc.transport.spool import NamelessFile, SpooledOctets

HELD: Final = 8 << 20  # octets that stay in memory
LONGEST: Final = 64 << 20  # octets in one file


class Backlog:
    """Takes messages that are held in memory, and gives those that need not be."""

    def __init__(self) -> None:
        self._held = 0
        self._file: NamelessFile | None = None

    def put(self, octets: Octets) -> Octets:
        """The same octets, in memory or not; what lies on the disk already stays there. StateError."""
        if not isinstance(octets, HeldOctets):
            return octets
        self._held += octets.size
        if self._held <= HELD:
            return octets
        if self._file is None or self._file.size >= LONGEST:
            self._file = NamelessFile("fetched messages", ", or use --limit")
        return SpooledOctets(self._file, self._file.append(octets.held), octets.size)
