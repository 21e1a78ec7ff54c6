"""What people see: everybody in To, Cc and the resent block, each marked new or not, sent to or not."""

import re
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from ccc.address import Mailbox
from ccc.message.display import shown_in
from ccc.message.findings import Finding
from ccc.message.header import Header
from ccc.plan.people import FOLDED, Mailboxes, People, Person

# Nothing here hides how an address is spelled: no comment, no address literal, no UTF-8.
_PLAIN_LIST = re.compile(rb"[^(\[\x80-\xff]*")
_FEW = 50  # spellings; to look for more of them takes longer than to read the lists


class Mark(Enum):
    """What somebody's place in the header has to do with this delivery."""

    NEW = "new, gets it"
    NEW_NOT_SENT = "new, not sent"
    SEEN = "seen already, gets it"
    SEEN_NOT_SENT = "seen, not sent"
    BLIND = "gets it, seen nowhere"


Marked = tuple[tuple[Mailbox, Mark], ...]
There = tuple[tuple[str, Mailbox], ...]  # people after the name of the field that shows them


class Shown(NamedTuple):
    """The address-lists as the new people will read them; the resent lists are those of a new block."""

    to: Marked
    cc: Marked
    resent_to: Marked = ()
    resent_cc: Marked = ()

    def lists(self) -> Iterator[tuple[str, Marked]]:
        """Each list that has somebody in it, after the name of its field."""
        names = ("To", "Cc", "Resent-To", "Resent-Cc")
        lists = (self.to, self.cc, self.resent_to, self.resent_cc)
        return ((name, marked) for name, marked in zip(names, lists, strict=True) if marked)


def show(header: Header, people: People, added: tuple[Mailboxes, Mailboxes], block: bool) -> Shown:
    """The lists of `header` as they become when people are added to To and Cc, or to a resent block."""
    old = [shown_in(header, key) for key in ("to", "cc")]
    to, cc = (_mark(each, people, Mark.SEEN, Mark.SEEN_NOT_SENT) for each in old)
    new_to, new_cc = (_mark(each, people, Mark.NEW, Mark.NEW_NOT_SENT) for each in added)
    return Shown(to, cc, new_to, new_cc) if block else Shown(to + new_to, cc + new_cc)


def mark_recipients(recipients: Mailboxes, shown: Shown) -> Marked:
    """Each recipient with the mark that the lists give it; whoever is in none of them is blind."""
    marks: dict[Person, Mark] = {}
    for _, marked in shown.lists():
        for mailbox, mark in marked:
            marks.setdefault(mailbox.person, mark)
    return tuple((each, marks.get(each.person, Mark.BLIND)) for each in recipients)


def already_there(header: Header, people: People) -> There:
    """Who of the people named stands in To or Cc already, each with the name of the field.

    For eyes, and so that nobody is shown twice; it proves no delivery, so it stops none.
    """
    if not _may_name(header, people.spellings):
        return ()
    lists = (("To", shown_in(header, "to")), ("Cc", shown_in(header, "cc")))
    named = people.persons | people.others
    return tuple((name, each) for name, those in lists for each in those if each.person in named)


def staying(lean: Header) -> frozenset[str]:
    """Which of To and Cc are among the fields that go out."""
    return frozenset([name for name in ("To", "Cc") if lean.first(name.lower())])


def about_those_there(there: There, people: People, lean: Header) -> Iterator[Finding]:
    """What a recipient or somebody to be shown should know about being there already."""
    stay = staying(lean)
    for name, mailbox in there:
        where = f"{mailbox.eyes()} is in {name}{' already' if name in stay else ', which is left out,'}"
        if mailbox.person in people.persons:
            yield Finding("already-shown", "warning", f"{where} and may have this message")
        elif name in stay:
            yield Finding("already-shown", "note", f"{where} and is not added to it again")


def _may_name(header: Header, spellings: frozenset[bytes]) -> bool:
    """False if To and Cc surely name none of these; most messages need not be read closer than that."""
    if len(spellings) > _FEW:
        return True
    lists = b"".join([field.value for field in header.fields if field.key in ("to", "cc")])
    if not _PLAIN_LIST.fullmatch(lists):
        return True
    folded = lists.translate(None, FOLDED).lower()
    return any(spelling in folded for spelling in spellings)


def _mark(mailboxes: Mailboxes, people: People, sent: Mark, not_sent: Mark) -> Marked:
    return tuple((mailbox, sent if mailbox.person in people.persons else not_sent) for mailbox in mailboxes)
