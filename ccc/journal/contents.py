"""The exact octets of what is entered: small contents in the database, large ones as files in the spool.

They are kept until everybody has been settled, and sent as they are, so that a second attempt says what the
first one said. A database holds small octets better than a folder does: they cost no file, and they are on
the disk with the same commit as their entry.
"""

from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from ccc.errors import MessageError, StateError
from ccc.journal import spool
from ccc.journal.claims import is_alive
from ccc.journal.store import IS_SETTLED, Store
from ccc.journal.stored import Stored, Verified
from ccc.message.octets import BLOCK, HeldOctets, Octets
from ccc.plan import Plan

SMALL = 65536  # octets; what is larger becomes a file


class Prepared(NamedTuple):
    """A plan and its octets, ready to be entered: in memory, or in a file that has no name yet."""

    plan: Plan
    digest: bytes  # the identity of the message
    octets: bytes
    draft: spool.Draft | None

    @property
    def sha256(self) -> bytes:
        """The digest of the octets."""
        return self.draft.sha256 if self.draft else sha256(self.octets).digest()

    def drop(self) -> None:
        """Let go of the file that was not kept, if there is one."""
        if self.draft is not None:
            self.draft.drop()


class Contents:
    """Where the octets of entries are."""

    def __init__(self, folder: Path, store: Store) -> None:
        self._folder = folder
        self._store = store
        self._dropped: set[bytes] = set()  # digests of files that an entry does not need any more

    def prepare(self, plan: Plan, run: str) -> Prepared:
        """Read the octets of a plan; MessageError if that fails, StateError if a draft cannot be written."""
        digest = bytes.fromhex(plan.message.digest)
        if plan.content.size <= SMALL:
            return Prepared(plan, digest, b"".join(plan.content.blocks()), None)
        return Prepared(plan, digest, b"", spool.store(self._folder, run, plan.content))

    def keep(self, entry: int, prepared: Prepared) -> Stored:
        """In a transaction: keep the octets of an entry."""
        octets: Octets
        if prepared.draft is not None:
            prepared.draft.keep()
            octets = spool.octets(self._folder, prepared.sha256)
        else:
            self._store.insert("content", entry=entry, octets=prepared.octets)
            octets = HeldOctets(prepared.octets)
        content = prepared.plan.content
        return Stored(content.size, content.eight_bit, content.utf8_header, octets)

    def stored(self, entry: int) -> Stored | None:
        """The octets of an entry as they were kept; None if they are gone."""
        sql = "SELECT sha256, size, eight_bit, utf8_header, spooled FROM entry WHERE id = ?"
        found = self._store.row(sql, (entry,))
        if found is None:
            return None
        digest, size, eight_bit, utf8_header, spooled = found
        if not spooled:
            if not self._store.row("SELECT 1 FROM content WHERE entry = ?", (entry,)):
                return None
            octets: Octets = InDatabase(self._store, entry, digest, size)
        else:
            try:
                octets = Verified(spool.octets(self._folder, digest), digest)
            except StateError:
                return None
        return Stored(size, bool(eight_bit), bool(utf8_header), octets)

    def drop(self, entry: int) -> None:
        """In a transaction: drop the octets of an entry; then call `sweep`."""
        if not self._store.change(_DELETE, (entry,)):
            dropped = self._store.rows(_DROP + _WHICH, (entry,))
            self._dropped.update(digest for (digest,) in dropped)

    def drop_if_settled(self, entry: int) -> None:
        """In a transaction: the same, if nobody can need them any more."""
        if not self._store.change(_DELETE + _IF_SETTLED, (entry, entry)):
            dropped = self._store.rows(_DROP + _IF_SETTLED + _WHICH, (entry, entry))
            self._dropped.update(digest for (digest,) in dropped)

    def sweep(self) -> None:
        """Remove the files that were dropped, unless another entry has the same octets.

        What cannot be removed stays for `sweep_all`: what was to be done has been done.
        """
        if self._dropped:
            # In a transaction nobody keeps a file of that name meanwhile.
            with suppress(StateError), self._store.transaction():
                for digest in self._dropped:
                    if not self._store.row("SELECT 1 FROM entry WHERE sha256 = ? AND spooled", (digest,)):
                        spool.remove(self._folder, digest)
            self._dropped.clear()

    def sweep_all(self) -> None:
        """Remove what runs that were killed left in the spool, as far as it can be removed."""
        with suppress(StateError), self._store.transaction():
            keep = {digest for (digest,) in self._store.rows("SELECT sha256 FROM entry WHERE spooled")}
            spool.sweep(self._folder, keep, lambda run: is_alive(self._folder, run))


_DELETE = "DELETE FROM content WHERE entry = ?"
_DROP = "UPDATE entry SET spooled = 0 WHERE id = ? AND spooled"
_WHICH = " RETURNING sha256"
_IF_SETTLED = f" AND NOT EXISTS (SELECT 1 FROM recipient WHERE entry = ? AND NOT {IS_SETTLED})"  # noqa: S608


class InDatabase(NamedTuple):
    """The octets of a small content, which are read when they are needed."""

    store: Store
    entry: int
    sha256: bytes
    size: int

    def block(self, offset: int) -> bytes:
        """BLOCK of them from `offset` on; MessageError if they are not those that were stored."""
        found = self.store.row("SELECT octets FROM content WHERE entry = ?", (self.entry,))
        if not found or sha256(found[0]).digest() != self.sha256:
            raise MessageError("the journal has lost the octets", cure="send it again with --again")
        octets: bytes = found[0]
        return octets[offset : offset + BLOCK]
