"""Room on the disk that is kept for what must be written after the mail has gone out.

A disk that is full when a mail is entered sends nothing, and that is that. If it fills up between the last
octet and the answer, the journal would never learn that the mail arrived; then this file gives its room back.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from ccc.journal.folder import guarded

SIZE: Final = 128 << 10  # octets; the outcomes of all that can be unanswered at once need half of that


class Reserve:
    """The room that is kept, in a file of the state folder."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def keep(self) -> None:
        """See to it that there is room; StateError if there is none."""
        with guarded("keep", f"room in {str(self._path.parent)!r} for what becomes of the mail"):
            with suppress(FileNotFoundError):
                if self._path.stat().st_size >= SIZE:
                    return
            with open(self._path, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
                file.write(os.urandom(SIZE))  # which no file system can write down in less

    def spend(self) -> None:
        """Give the room back, for something that must be written now; StateError if that fails."""
        with guarded("give back", f"room in {str(self._path.parent)!r}"):
            self._path.unlink(missing_ok=True)
