"""The spool: contents too large for the database, as files named by their SHA-256.

A content is written as a draft, brought to the disk, and only then gets its name, so that a file with a name
is whole. Between `keep` and the commit of the row that speaks of it a file is in no row: whoever keeps,
removes or sweeps holds the write lock of the database meanwhile.
"""

import os
import re
from collections.abc import Callable, Collection
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import NamedTuple

from ccc.config.state import sync
from ccc.delivery import Sendable
from ccc.errors import CopyUnreadable, SourceError, StateError
from ccc.journal.claims import NAME
from ccc.journal.folder import SPOOL, guarded
from ccc.sources.files import FileOctets

_DRAFT = re.compile(rf"tmp-({NAME.pattern})-[0-9]+")
_KEPT = re.compile(r"[0-9a-f]{64}")
_SEND_ANEW = "send the message anew from its source, with --again"
_numbers = count(1)


class Draft(NamedTuple):
    """A content on the disk that has no name yet: `keep` it or `drop` it."""

    path: Path
    sha256: bytes
    size: int

    def keep(self) -> None:
        """Name it by its SHA-256, for good; a file that is there already is as good."""
        named = self.path.parent / self.sha256.hex()
        with guarded("keep", f"a copy of the message in {str(self.path.parent)!r}"):
            if _size(named) == self.size:
                self.drop()
            else:
                self.path.rename(named)
            sync(self.path.parent)  # also after another run's rename, which may not be on the disk yet

    def drop(self) -> None:
        """Remove it; what cannot be removed now goes when its run is dead."""
        with suppress(OSError):
            self.path.unlink()


def store(folder: Path, run_name: str, content: Sendable) -> Draft:
    """Write a content with CRLF line ends to the disk; nothing stays if its source fails."""
    path = folder / SPOOL / f"tmp-{run_name}-{next(_numbers)}"
    with guarded("write", f"a copy of the message ({content.size} octets) to {str(path.parent)!r}"):
        try:
            return _write(path, content)
        except BaseException:  # signals too
            with suppress(OSError):
                path.unlink()
            raise


def octets(folder: Path, sha256: bytes) -> FileOctets:
    """The octets that were kept under this SHA-256; no descriptor stays open before they are read."""
    path = str(folder / SPOOL / sha256.hex())
    try:
        found = FileOctets(path)
    except SourceError as error:
        if not isinstance(error.__cause__, FileNotFoundError):
            raise CopyUnreadable(error.what) from error
        raise StateError(f"the journal's copy of the message is lost: {error.what}", _SEND_ANEW) from error
    found.close()
    return found


def remove(folder: Path, sha256: bytes) -> None:
    """Remove what was kept under this SHA-256, if it is there."""
    with guarded("clean", repr(str(folder / SPOOL))):
        (folder / SPOOL / sha256.hex()).unlink(missing_ok=True)


def sweep(folder: Path, keep: Collection[bytes], alive: Callable[[str], bool]) -> None:
    """Remove the drafts of dead runs, and every file whose SHA-256 is not among `keep`."""
    wanted = {sha256.hex() for sha256 in keep}
    with guarded("clean", repr(str(folder / SPOOL))):
        for name in os.listdir(folder / SPOOL):
            draft = _DRAFT.fullmatch(name)
            if (draft and not alive(draft[1])) or (_KEPT.fullmatch(name) and name not in wanted):
                (folder / SPOOL / name).unlink(missing_ok=True)


def _write(path: Path, content: Sendable) -> Draft:
    from hashlib import sha256

    digest, size = sha256(), 0
    with open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        for block in content.blocks():
            digest.update(block)
            size += len(block)
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    return Draft(path, digest.digest(), size)


def _size(path: Path) -> int:
    """The size of a file, -1 if there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return -1
