"""Room on the disk that is kept for what must be written after the mail has gone out.

A disk that is full when a mail is entered sends nothing, and that is that. If it fills up between the last
octet and the answer, the journal would never learn that the mail arrived; then this file gives its room back.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from ccc.journal.folder import guarded

# Octets. SQLite overwrites what is dropped (PRAGMA secure_delete), so that a usual window, four contents
# of 64 KiB, to a hundred recipients each needs two thirds of it.
SIZE: Final = 512 << 10


class Reserve:
    """The room that is kept, in a file of the state folder."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def keep(self) -> None:
        """See to it that there is room; StateError if there is none."""
        with guarded("keep", f"the reserve in {str(self._path.parent)!r} for what becomes of the mail"):
            with suppress(FileNotFoundError):
                if self._path.stat().st_size >= SIZE:
                    return
            with open(self._path, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
                file.write(os.urandom(SIZE))  # which no file system can write down in less

    def spend(self) -> None:
        """Give the room back, for something that must be written now; StateError if that fails."""
        with guarded("give back", f"the reserve in {str(self._path.parent)!r}"):
            self._path.unlink(missing_ok=True)
