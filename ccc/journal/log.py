"""What was sent to whom, and what became of it: the journal as `ccc log` reads it."""

from collections.abc import Iterator

from ccc.address import Mailbox, parse_mailbox
from ccc.delivery import Sendable
from ccc.errors import SourceError, UsageError
from ccc.journal.claims import is_alive
from ccc.journal.entry import Entry, Filter, Phase, Record
from ccc.journal.journal import Journal
from ccc.journal.records import LONGEST
from ccc.journal.store import IS_SETTLED, Row, Value
from ccc.journal.verdict import reply_of
from ccc.plan import Action


class Log:
    """The entries of a journal, for reading, and for forgetting."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._store = journal.store

    def entries(self, wanted: Filter = Filter()) -> Iterator[Entry]:  # noqa: B008  # a frozen value
        """The entries that are wanted, the newest first."""
        where, values = _conditions(wanted)
        limit = "" if wanted.limit is None else f"LIMIT {wanted.limit:d}"
        for (number,) in self._store.rows(f"{_ENTRIES} {where} ORDER BY entry DESC {limit}", values):
            yield from self._entry(number)

    def find(self, name: str) -> Entry:
        """The entry whose ID begins with `name`; SourceError if there is none, UsageError if several."""
        return next(self._entry(self.number(name)))

    def number(self, name: str) -> int:
        """The number in the database of the entry whose ID begins with `name`."""
        pattern = "".join(f"[{each}]" for each in name.lower() if each.isalnum()) + "*"
        found = self._store.rows("SELECT id, name FROM entry WHERE name GLOB ? LIMIT 3", (pattern,))
        if not name.isalnum() or not found:
            raise SourceError(f"the journal has no entry {name!r}", "`ccc log` lists them")
        if len(found) > 1:
            raise UsageError(
                f"{name!r} is the beginning of several IDs, such as {found[0][1]} and {found[1][1]}",
                "write more of it",
            )
        return int(found[0][0])

    def by_envid(self, envid: str) -> Entry | None:
        """The entry that a delivery report is about, if it names one."""
        found = self._store.row("SELECT id FROM entry WHERE name = ?", (envid,))
        return next(self._entry(found[0])) if found else None

    def octets(self, entry: Entry) -> Sendable:
        """The exact octets of an entry; SourceError if they are not kept any more."""
        content = self._journal.contents.stored(self.number(entry.name))
        if content is None:
            raise SourceError(
                f"the octets of {entry.name} are not kept any more",
                "they are dropped when every recipient is settled",
            )
        return content

    def forget(self, entry: Entry) -> None:
        """Remove an entry with its keys, so that it can be sent again; UsageError while it is being sent."""
        with self._store.transaction():
            self._journal.recover()
            number = self.number(entry.name)
            if self._store.row("SELECT 1 FROM recipient WHERE entry = ? AND run IS NOT NULL", (number,)):
                raise UsageError(f"{entry.name} is being sent", "wait until that has ended")
            self._journal.contents.drop(number)
            self._store.change("DELETE FROM recipient WHERE entry = ?", (number,))
            self._store.change("DELETE FROM entry WHERE id = ?", (number,))
            self._store.change("DELETE FROM way WHERE id NOT IN (SELECT way FROM entry)")
        self._journal.contents.sweep()

    def clean(self, before: float) -> int:
        """Drop the details of entries that were planned before and are settled; how many. Keys stay."""
        with self._store.transaction():
            self._journal.recover()
            old = [number for (number,) in self._store.rows(_OLD, (before,))]
            rows = [(number,) for number in old]
            self._store.change_all("UPDATE entry SET source = '', subject = NULL WHERE id = ?", rows)
            self._store.change_all("UPDATE recipient SET reason = '', reply = '' WHERE entry = ?", rows)
        self._journal.contents.sweep_all()
        return len(old)

    def bounced(self, entry: Entry, mailbox: Mailbox, status: str, text: str) -> None:
        """A report says that this recipient did not get it after all."""
        reason, number = f"{status} {text}".strip()[:LONGEST], self.number(entry.name)
        values = (Phase.BOUNCED.value, self._journal.clock(), reason, number, mailbox.addr_spec)
        with self._store.transaction():
            self._store.change(_BOUNCED, values)
            self._journal.contents.drop_if_settled(number)
        self._journal.contents.sweep()

    def _entry(self, number: int) -> Iterator[Entry]:
        """The entry of this number, if another ccc has not forgotten it meanwhile."""
        row = self._store.row(_ENTRY, (number,))
        if row is not None:
            name, action, source, message_id, resent, subject, digest, path, planned, size, sha256, kept = row
            yield Entry(
                name=name,
                action=Action(action),
                source=source,
                message_id=message_id,
                resent_message_id=resent,
                subject=subject,
                digest=digest.hex(),
                reverse_path=parse_mailbox(path) if path else None,
                planned=planned,
                size=size,
                sha256=sha256.hex(),
                has_octets=bool(kept),
                records=tuple(map(self._record, self._store.rows(_RECORDS, (number,)))),
            )

    def _record(self, row: Row) -> Record:
        address, phase, run, changed, attempts, next_attempt, second, kind, reason, cure, hop, *said = row
        reply = reply_of(*said)
        return Record(
            mailbox=parse_mailbox(address),
            phase=Phase(phase),
            busy=run is not None and is_alive(self._journal.folder, run),
            changed=changed,
            attempts=attempts,
            next_attempt=next_attempt,
            second=bool(second),
            kind=kind,
            reason=reason,
            cure=cure,
            hop=hop,
            reply=reply,
        )


def _conditions(wanted: Filter) -> tuple[str, list[Value]]:
    """The WHERE of a query, and its values."""
    conditions: dict[str, Value] = {}
    if wanted.recipient:
        conditions["instr(lower(address), lower(?))"] = wanted.recipient
    if wanted.phase is not None:
        conditions["phase = ?"] = wanted.phase.value
    if wanted.since is not None:
        conditions["changed >= ?"] = wanted.since
    if wanted.until is not None:
        conditions["changed <= ?"] = wanted.until
    if wanted.message_id:
        conditions["message_id = ?"] = f"<{wanted.message_id.strip('<>')}>"
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    return where, list(conditions.values())


_ENTRIES = "SELECT DISTINCT entry FROM recipient JOIN entry ON entry = entry.id"
_ENTRY = """
    SELECT name, action, source, message_id, resent_message_id, subject, digest, reverse_path, planned, size,
    sha256, spooled OR EXISTS (SELECT 1 FROM content WHERE entry = entry.id) FROM entry WHERE id = ?
"""
_RECORDS = """
    SELECT address, phase, run, changed, attempts, next_attempt, second, kind, reason, cure, hop, code, reply
    FROM recipient WHERE entry = ? ORDER BY id
"""
_OLD = f"""
    SELECT id FROM entry WHERE planned < ? AND (source <> '' OR subject IS NOT NULL)
    AND NOT EXISTS (SELECT 1 FROM recipient WHERE entry = entry.id AND NOT {IS_SETTLED})
"""  # noqa: S608
_BOUNCED = """
    UPDATE recipient SET phase = ?, changed = ?, reason = ?, kind = 'refused', cure = '', code = 0,
    reply = '', next_attempt = NULL WHERE entry = ? AND address = ?
    AND phase IN ('accepted', 'in doubt', 'deferred')
"""
