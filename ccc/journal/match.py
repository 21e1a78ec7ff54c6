"""Which entry of the journal a delivery report is about, and which of its recipients.

The envelope id is our own ID of an entry, so it is sure. So is a Resent-Message-ID, new for each entry.
A Message-ID is that of all entries of a message, so the recipient must be one of theirs as well.
"""

from collections.abc import Iterator
from typing import NamedTuple

from ccc.address import Mailbox, parse_mailbox
from ccc.errors import AddressError
from ccc.journal.bounce import Action, Report, Reported, Returned
from ccc.journal.entry import Entry, Filter, Phase, Record
from ccc.journal.log import Log

_UNSETTLED = (Phase.ACCEPTED, Phase.IN_DOUBT, Phase.DEFERRED)  # what a report can be news to


class Match(NamedTuple):
    """One recipient of a report, and who that is in the journal; None for what it knows nothing of."""

    reported: Reported
    entry: Entry | None
    record: Record | None

    @property
    def text(self) -> str:
        """Why, and who says so: the diagnostic, the status where it is not in there, the server."""
        status, diagnostic, server = self.reported.status, self.reported.diagnostic, self.reported.remote_mta
        text = diagnostic if status in diagnostic.split() else f"{status} {diagnostic}".strip()
        return f"{text}, says {server}" if text and server else text


def matches(log: Log, report: Report) -> Iterator[Match]:
    """Each recipient of the report with the entry that it was sent by."""
    entry = _entry(log, report)
    for reported in report.recipients:
        names = tuple(_names(reported))
        if entry is not None:
            yield Match(reported, entry, _record(entry, names, alone=True))
        else:
            yield Match(reported, *_sent(log, report.returned, names))


def note(log: Log, match: Match) -> None:
    """Mark the recipient as bounced if the delivery failed; nothing else changes anything."""
    if match.entry and match.record and match.reported.action is Action.FAILED:
        log.bounced(match.entry, match.record.mailbox, "", match.text)


def _entry(log: Log, report: Report) -> Entry | None:
    """The entry that the report names by itself."""
    if report.envid and (entry := log.by_envid(report.envid)):
        return entry
    returned = report.returned
    if not (returned.message_id and returned.resent_message_id):
        return None
    of_message = log.entries(Filter(message_id=returned.message_id))
    return next((each for each in of_message if each.resent_message_id == returned.resent_message_id), None)


def _sent(log: Log, returned: Returned, names: tuple[Mailbox, ...]) -> tuple[Entry | None, Record | None]:
    """The entry by which the message went to one of these names: one that is news to it, else the newest."""
    if not returned.message_id:
        return None, None
    found = [
        (entry, record)
        for entry in log.entries(Filter(message_id=returned.message_id))
        # a message that went out with a resent block comes back with it
        if not entry.resent_message_id and (record := _record(entry, names))
    ]
    open_ones = [each for each in found if each[1].phase in _UNSETTLED]
    return next(iter(open_ones or found), (None, None))


def _record(entry: Entry, names: tuple[Mailbox, ...], *, alone: bool = False) -> Record | None:
    """The recipient of the entry who has one of these names.

    If it has a single recipient and the report is certainly about it, it is that one: somebody who forwards
    their mail is reported under another name.
    """
    for name in names:
        same = [each for each in entry.records if each.mailbox.key == name.key]
        same += [each for each in entry.records if each.mailbox.same_person(name)]
        if same:
            return same[0]
    return entry.records[0] if alone and len(entry.records) == 1 else None


def _names(reported: Reported) -> Iterator[Mailbox]:
    """The addresses under which the recipient may be known, the likeliest first."""
    for text in dict.fromkeys((reported.address, reported.written, reported.final)):
        try:
            yield parse_mailbox(text)
        except AddressError:
            continue
