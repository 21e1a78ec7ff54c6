"""What is left to do: deliveries that were deferred, and those in doubt that the user decides about."""

from collections.abc import Iterator, Sequence
from json import loads
from typing import NamedTuple

from ccc.address import parse_mailbox
from ccc.config import InDoubt
from ccc.delivery import Delivery
from ccc.errors import CopyUnreadable, Kind
from ccc.journal.entry import Phase
from ccc.journal.journal import Journal
from ccc.journal.schedule import LONGEST
from ccc.journal.verdict import COLUMNS, Known, outcome_of, outcome_unread
from ccc.receipt import Outcome


class Due(NamedTuple):
    """A delivery that was taken up, of which source, and the options of the way it goes."""

    name: str
    source: str
    way: dict[str, object]
    delivery: Delivery | None  # None if its octets are gone, or cannot be read now
    outcomes: tuple[Outcome, ...]  # of those who cannot be helped then

    def as_json(self) -> dict[str, object]:
        """What a receipt says of it; the plan itself is not kept."""
        return {"id": self.name}


class Waiting(NamedTuple):
    """How many recipients wait: until a time, for the user's word; and when the first of them is due."""

    deferred: int
    in_doubt: int
    next_attempt: float | None


def due(journal: Journal, entry: int | None = None, *, all_: bool, resend: bool) -> list[Due]:
    """Take up what is to be tried now: what is due, or all of it; with `resend` what is in doubt as well.

    One entry alone is taken up whether it is due or not.
    """
    journal.contents.sweep_all()
    with journal.store.transaction():
        journal.recover()
        whenever, found = all_ or entry is not None, dict[int, list[Known]]()
        for known in _open(journal, entry):
            if (resend and known.phase == Phase.IN_DOUBT.value) or _comes_now(journal, known, whenever):
                found.setdefault(known.entry, []).append(known)
        return [_due(journal, number, rows) for number, rows in found.items()]


def drop(journal: Journal, entry: int | None = None) -> list[Known]:
    """Close what is in doubt: it is not sent again, and asks for nothing any more."""
    with journal.store.transaction():
        journal.recover()
        dropped = [each for each in _open(journal, entry) if each.phase == Phase.IN_DOUBT.value]
        journal.store.change_all(_DROP, [(journal.clock(), each.id) for each in dropped])
        for number in {each.entry for each in dropped}:
            journal.contents.drop_if_settled(number)
    journal.contents.sweep()
    return dropped


def waiting(journal: Journal) -> Waiting:
    """What the journal waits for."""
    (deferred, first), (in_doubt, _) = (
        journal.store.row(_COUNT, (phase.value,)) or (0, None) for phase in (Phase.DEFERRED, Phase.IN_DOUBT)
    )
    return Waiting(deferred, in_doubt, first)


def _open(journal: Journal, entry: int | None) -> Iterator[Known]:
    """What is deferred or in doubt, of one entry or of all."""
    found = (Known(*row) for row in journal.store.rows(_OPEN))
    return (known for known in found if entry in (None, known.entry))


def _comes_now(journal: Journal, known: Known, whenever: bool) -> bool:
    """Whether it is tried now without a word of the user's; `whenever`: although it may not be due."""
    now, next_attempt = journal.clock(), known.next_attempt
    if known.phase == Phase.IN_DOUBT.value:
        trusted = journal.config.in_doubt is InDoubt.RESEND
        if not trusted or known.planned + journal.config.retry_for <= now:
            return False
    # What is later than the longest interval was planned by a clock that ran ahead.
    return whenever or next_attempt is None or not now < next_attempt <= now + LONGEST


def _due(journal: Journal, entry: int, rows: Sequence[Known]) -> Due:
    source, options = journal.store.row(_WAY, (entry,)) or ("", "{}")
    delivery, outcomes = None, tuple[Outcome, ...]()
    try:
        delivery = journal.take_up(entry, rows)
    except CopyUnreadable as error:  # it may be readable the next time
        outcomes = tuple(outcome_unread(each, error) for each in rows)
    else:
        outcomes = () if delivery else tuple(_lost(journal, rows))
    return Due(rows[0].name, source, loads(options), delivery, outcomes)


def _lost(journal: Journal, rows: Sequence[Known]) -> Iterator[Outcome]:
    """In a transaction: without octets nothing can be tried any more."""
    reason = "its octets are not in the journal any more"
    for each in rows:
        values = (Phase.REFUSED.value, journal.clock(), Kind.MESSAGE.value, reason, each.id)
        journal.store.change(_REFUSE, values)
        refused = each._replace(phase=Phase.REFUSED.value, kind=Kind.MESSAGE.value, reason=reason, code=0)
        yield outcome_of(refused, parse_mailbox(each.address))


_OPEN = f"""
    SELECT {COLUMNS} FROM recipient JOIN entry ON entry = entry.id
    WHERE phase IN ('deferred', 'in doubt') ORDER BY recipient.id
"""  # noqa: S608
_DROP = "UPDATE recipient SET phase = 'dropped', second = 1, changed = ?, cure = '' WHERE id = ?"
_REFUSE = "UPDATE recipient SET phase = ?, changed = ?, kind = ?, reason = ?, code = 0 WHERE id = ?"
_COUNT = """
    SELECT count(*), min(next_attempt) FROM recipient WHERE phase = ? AND phase IN ('deferred', 'in doubt')
"""
_WAY = "SELECT source, options FROM entry JOIN way ON way = way.id WHERE entry.id = ?"
