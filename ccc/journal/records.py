"""The rows of the journal: entries, their recipients, and how far each of those has come.

Everything that writes here runs in a transaction of the store.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from json import dumps, loads

from ccc.address import Mailbox, parse_mailbox
from ccc.delivery import Dsn, Stage
from ccc.journal.contents import Prepared
from ccc.journal.entry import Phase
from ccc.journal.store import Store
from ccc.journal.verdict import COLUMNS, Known
from ccc.message.message import Filed
from ccc.receipt import Outcome

LONGEST = 2000  # characters that are kept of a reply
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # none of them looks like another
LETTERS = 23  # of them: an ID begins with one, since no line of output begins with a digit


class Records:
    """The rows of a journal."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def known(self, key: bytes) -> Known | None:
        """What is known of a recipient of a message."""
        row = self._store.row(_CURRENT, (key,))
        return Known(*row) if row else None

    def way_back(self, entry: int) -> tuple[Mailbox | None, Dsn | None, Filed | None]:
        """The reverse-path of an entry, the notifications that were asked for, and how the message lay."""
        sql = "SELECT reverse_path, dsn, filed FROM entry WHERE id = ?"
        ((path, dsn, lay),) = self._store.rows(sql, (entry,))
        asked, filed = loads(dsn), loads(lay)
        return (
            parse_mailbox(path) if path else None,
            Dsn(tuple(asked[0]), asked[1], asked[2]) if asked else None,
            Filed(tuple(filed[0]), filed[1]) if filed else None,
        )

    def reroute(self, entry: int, way: int) -> None:
        """Another attempt goes this way from now on."""
        self._store.change("UPDATE entry SET way = ? WHERE id = ?", (way, entry))

    def insert(
        self,
        prepared: Prepared,
        intent: bytes,
        way: int,
        dsn: Dsn | None,
        now: float,
        *,
        with_subject: bool,
    ) -> tuple[int, str]:
        """A new entry without recipients: its number and its ID."""
        plan, name = prepared.plan, self._fresh_name()
        path = plan.envelope.reverse_path
        number = self._store.insert(
            "entry",
            name=name,
            action=plan.action.value,
            digest=prepared.digest,
            intent=intent,
            reverse_path=path.addr_spec if path else "",
            sha256=prepared.sha256,
            size=plan.content.size,
            eight_bit=plan.content.eight_bit,
            utf8_header=plan.content.utf8_header,
            spooled=prepared.draft is not None,
            way=way,
            dsn=dumps(dsn and (dsn.notify, dsn.ret, dsn.envid)),
            filed=dumps(plan.message.filed),
            source=plan.source,
            message_id=plan.message.message_id,
            resent_message_id=plan.resent_message_id,
            subject=plan.subject if with_subject else None,
            planned=now,
        )
        return number, name

    def insert_recipient(
        self, entry: int, key: bytes, mailbox: Mailbox, run: str, now: float, *, second: bool
    ) -> int:
        """A new recipient of an entry, in the hands of a run: its number."""
        return self._store.insert(
            "recipient",
            entry=entry,
            key=key,
            current=1,
            address=mailbox.addr_spec,
            phase=Phase.PLANNED.value,
            run=run,
            changed=now,
            second=second,
        )

    def supersede(self, known: Known) -> None:
        """Another delivery takes the place of this one, which stays in the log."""
        self._store.change("UPDATE recipient SET current = 0 WHERE id = ?", (known.id,))
        if known.phase in (Phase.DEFERRED.value, Phase.IN_DOUBT.value):
            self._store.change(_REPLACED, (known.id,))

    def claim(self, known: Iterable[Known], run: str) -> None:
        """Take recipients into the hands of a run; to whom it was in doubt may go a second copy."""
        rows = [(run, each.in_doubt, each.id) for each in known]
        self._store.change_all(_CLAIM, rows)

    def advance(self, stages: Mapping[int, Stage], now: float) -> None:
        """Write down how far recipients are about to come."""
        rows = [(stage.value, now, number) for number, stage in stages.items()]
        self._store.change_all("UPDATE recipient SET phase = ?, changed = ? WHERE id = ?", rows)

    def settle(self, number: int, outcome: Outcome, now: float, next_attempt: float | None) -> None:
        """Write down what became of a recipient."""
        reply = outcome.reply
        text = b"\n".join(reply.lines).decode("utf-8", "replace") if reply else ""
        kind = outcome.kind.value if outcome.kind else ""
        said = kind, outcome.reason[:LONGEST], outcome.cure, outcome.hop, reply.code if reply else 0
        self._store.change(_OUTCOME, (outcome.state.value, now, next_attempt, *said, text[:LONGEST], number))

    def runs(self) -> Iterator[str]:
        """The runs that have something in their hands."""
        return (
            run for (run,) in self._store.rows("SELECT DISTINCT run FROM recipient WHERE run IS NOT NULL")
        )

    def take_from(self, run: str, now: float) -> None:
        """What a dead run had begun is deferred; what it had handed over is in doubt."""
        self._store.change(_LOST, (now, run))
        self._store.change(_IN_DOUBT, (now, run))

    def _fresh_name(self) -> str:
        """An ID that no entry has."""
        while self._store.row("SELECT 1 FROM entry WHERE name = ?", (name := new_name(),)):
            continue
        return name

    def way(self, way: Mapping[str, object]) -> int:
        """The number of a way to send."""
        options = dumps(dict(way), sort_keys=True)
        found = self._store.row("SELECT id FROM way WHERE options = ?", (options,))
        return found[0] if found else self._store.insert("way", options=options)


_CURRENT = f"SELECT {COLUMNS} FROM recipient JOIN entry ON entry = entry.id WHERE key = ? AND current"  # noqa: S608
_CLAIM = "UPDATE recipient SET phase = 'planned', run = ?, second = ? WHERE id = ?"
_REPLACED = "UPDATE recipient SET phase = 'dropped', reason = 'planned anew', cure = '' WHERE id = ?"
_OUTCOME = """
    UPDATE recipient SET phase = ?, changed = ?, next_attempt = ?, kind = ?, reason = ?, cure = ?, hop = ?,
    code = ?, reply = ?, attempts = attempts + 1, run = NULL WHERE id = ?
"""
_LOST = """
    UPDATE recipient SET phase = 'deferred', kind = 'try later', next_attempt = ?, run = NULL,
    code = 0, reply = '', reason = 'ccc was stopped before it had sent it', cure = ''
    WHERE run = ? AND phase IN ('planned', 'sending')
"""
_IN_DOUBT = """
    UPDATE recipient SET phase = 'in doubt', kind = 'try later', changed = ?, next_attempt = NULL, run = NULL,
    code = 0, reply = '', reason = 'ccc was stopped before it had the answer', cure = ''
    WHERE run = ? AND phase = 'committing'
"""


def new_name() -> str:
    """An ID: eight letters and digits, the first a letter, none of which looks like another."""
    octets = os.urandom(8)
    return ALPHABET[octets[0] % LETTERS] + "".join(ALPHABET[each % len(ALPHABET)] for each in octets[1:])
