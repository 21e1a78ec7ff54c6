"""Entries of the journal for eyes and for programs: a table, one entry in full, JSON.

No line begins with a digit. Nothing is made harmless here: that is done where it is printed.
"""

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import TYPE_CHECKING

from ccc.cli.moments import shown
from ccc.cli.panels import Panel, Row
from ccc.cli.words import name_of
from ccc.journal.entry import Entry, Filter, Phase, Record
from ccc.journal.verdict import in_doubt_cure
from ccc.receipt import SCHEMA, reply_json

if TYPE_CHECKING:
    from ccc.journal.match import Match

WIDEST = 40  # columns for a recipient; a longer one moves the rest of its line
LOOKED_AT = 200  # lines by which the width of that column is chosen


def is_wanted(record: Record, wanted: Filter) -> bool:
    """Whether this recipient is one of those for whom an entry was found."""
    return (
        wanted.recipient.lower() in record.mailbox.addr_spec.lower()
        and wanted.phase in (None, record.phase)
        and (wanted.since is None or wanted.since <= record.changed)
        and (wanted.until is None or record.changed <= wanted.until)
    )


def table(entries: Iterable[Entry], wanted: Filter) -> Iterator[str]:
    """A line for each recipient who is wanted: state, when, action, recipient, ID, subject or source."""
    rows = (
        (
            record.phase.value,
            shown(record.changed),
            entry.action.value,
            record.mailbox.addr_spec,
            entry.name,
            _topic(entry),
        )
        for entry in entries
        for record in entry.records
        if is_wanted(record, wanted)
    )
    first = list(islice(rows, LOOKED_AT))
    width = min(WIDEST, max((len(row[3]) for row in first), default=0))
    for state, when, action, recipient, name, topic in chain(first, rows):
        yield f"{state:<10}  {when}  {action:<8}  {recipient:<{width}}  {name}  {topic}".rstrip()


def panels(entry: Entry) -> Iterator[Panel]:
    """Everything about an entry, then about each of its recipients."""
    path = entry.reverse_path
    rows = (
        Row("Action", entry.action.value),
        Row("Planned", shown(entry.planned)),
        Row("Source", name_of(entry.source)),
        Row("Subject", entry.subject or ""),
        Row("Message-ID", entry.message_id),
        Row("Resent-Message-ID", entry.resent_message_id),
        Row("Return address", path or "<> (nobody: it is a report itself)"),
        Row("Octets", f"{entry.size}, {'kept' if entry.has_octets else 'not kept any more'}"),
        Row("SHA-256", entry.sha256),
    )
    yield Panel(f"Entry {entry.name}", tuple(row for row in rows if row.what))
    for record in entry.records:
        yield Panel(f"To {record.mailbox.addr_spec}", tuple(row for row in _rows(entry, record) if row.what))


def as_json(entry: Entry) -> dict[str, object]:
    """An entry for `--json`, schema 1."""
    path = entry.reverse_path
    return {
        "schema": SCHEMA,
        "id": entry.name,
        "action": entry.action.value,
        "source": entry.source,
        "subject": entry.subject,
        "message_id": entry.message_id,
        "resent_message_id": entry.resent_message_id,
        "digest": entry.digest,
        "reverse_path": path.addr_spec if path else "",
        "planned": entry.planned,
        "size": entry.size,
        "sha256": entry.sha256,
        "kept": entry.has_octets,
        "recipients": [_record_json(record) for record in entry.records],
    }


def match_line(match: "Match") -> str:
    """What a report says of one recipient, on a line."""
    reported, entry, record = match
    who = reported.address
    if record is None or entry is None:
        return f"unknown {who}: ccc did not send it to them"
    known = record.mailbox.addr_spec
    word = Phase.BOUNCED.value if reported.action.value == "failed" else reported.action.value
    other = f", reported as {who}" if who.lower() != known.lower() else ""
    return f"{word} {known} ({entry.name}{other}){': ' if match.text else ''}{match.text}"


def match_json(match: "Match") -> dict[str, object]:
    """The same for `--json`."""
    reported, entry, record = match
    return {
        "schema": SCHEMA,
        "id": entry.name if entry and record else "",
        "recipient": record.mailbox.addr_spec if record else "",
        "reported": reported.address,
        "action": reported.action.value,
        "status": reported.status,
        "diagnostic": reported.diagnostic,
        "remote_mta": reported.remote_mta,
    }


def _rows(entry: Entry, record: Record) -> Iterator[Row]:
    """Everything about one recipient; what is not known is empty."""
    reply = record.reply.text if record.reply else ""
    next_step = _next_step(entry, record)
    yield Row("State", record.phase.value + (", in the hands of another ccc" if record.busy else ""))
    yield Row("Since", shown(record.changed))
    yield Row("Attempts", str(record.attempts))
    next_attempt = _next_attempt(record)
    yield Row("Next attempt", "" if next_attempt is None else shown(next_attempt))
    yield Row("Copies", "it may be a second one: the first was in doubt" if record.second else "")
    yield Row("By", record.hop)
    yield Row("Reply", reply)
    yield Row("Reason", record.reason if record.reason != reply else "")
    yield Row("Cure", record.cure if record.cure != next_step else "")
    yield Row("Next step", next_step)


def _next_step(entry: Entry, record: Record) -> str:
    """The command that goes on from here."""
    match record.phase:
        case _ if record.busy:
            return ""
        case Phase.IN_DOUBT:
            return in_doubt_cure(entry.name)
        case Phase.DEFERRED:
            return f"`ccc retry {entry.name}` tries again now, `ccc retry` when it is due"
        case Phase.REFUSED | Phase.BOUNCED | Phase.DROPPED:
            return f"`ccc {entry.action.value} --again` sends it once more"
        case _:
            return ""


def _record_json(record: Record) -> dict[str, object]:
    return {
        "recipient": record.mailbox.addr_spec,
        "state": record.phase.value,
        "busy": record.busy,
        "since": record.changed,
        "attempts": record.attempts,
        "second_copy": record.second,
        "next_attempt": _next_attempt(record),
        "kind": record.kind or None,
        "reason": record.reason,
        "cure": record.cure,
        "reply": reply_json(record.reply),
        "hop": record.hop,
    }


def _next_attempt(record: Record) -> float | None:
    return record.next_attempt if record.phase in (Phase.DEFERRED, Phase.IN_DOUBT) else None


def _topic(entry: Entry) -> str:
    return entry.subject or name_of(entry.source)
