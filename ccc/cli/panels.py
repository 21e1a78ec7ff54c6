"""What a plan says, arranged for eyes: panels of rows, the same for a terminal and for plain lines.

A plan has two. The envelope decides who gets the mail, the header what they see. Nothing is made
harmless here: that is done where it is printed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, groupby
from typing import NamedTuple

from ccc.address import Mailbox
from ccc.message.display import shown_in
from ccc.plan import Change, Edit, Mark, Plan

Known = Mapping[tuple[str, str], str]  # by the key of a mailbox: what an earlier run came to

NONE = "(none)"
NOBODY: Known = {}
MOST = 12  # people of a list who are seen and not sent to; a longer list is summed up


class Row(NamedTuple):
    """One line of a panel: a label, a person or a text, and a mark."""

    label: str
    what: Mailbox | str
    mark: str = ""


class Panel(NamedTuple):
    """A title and the rows under it."""

    title: str
    rows: tuple[Row, ...]


def envelope(plans: Sequence[Plan], way: str = "", known: Known = NOBODY) -> Panel:
    """Who gets it, or gets all of them; `way` is the server or program that takes it from here.

    Those who are `known` are left alone.
    """
    rows: list[Row] = []
    label = "from"
    for sender in dict.fromkeys(plan.envelope.reverse_path for plan in plans):
        rows.append(Row(label, sender or "<> (nobody: it is a report itself)"))
        label = ""
    rows += _recipients(plans, known)
    return Panel("Envelope: who gets it", (*rows, *([Row("by", way)] if way else [])))


def _recipients(plans: Sequence[Plan], known: Known) -> Iterator[Row]:
    """The people named, who are the same in every plan of a batch; their marks need not be."""
    marks = [[mark for _, mark in plan.recipients] for plan in plans]
    label = "to"
    for who, *mine in zip(plans[0].envelope.forward_paths, *marks, strict=True):
        seen = mine.count(Mark.SEEN)
        some = f" ({seen} of {len(mine)})" if 0 < seen < len(mine) else ""
        yield Row(label, who, known.get(who.key) or (Mark.SEEN if seen else mine[0]).value + some)
        label = ""


def header(plan: Plan, known: Known = NOBODY) -> Panel:
    """What they see, and what is left out."""
    lists = {name: tuple(_people(name, marked, known)) for name, marked in plan.shown.lists()}
    rows = (
        _authors(plan),
        *(lists.get(name, ()) for name in ("To", "Cc")),
        [Row("Subject", plan.subject or NONE), Row("Date", plan.date or NONE)],
        [Row("Resent-From", plan.identity)] if plan.resent_message_id else [],
        *(lists.get(name, ()) for name in ("Resent-To", "Resent-Cc")),
        _left_out(plan),
    )
    return Panel("Header: what they see", tuple(chain.from_iterable(rows)))


def _people(label: str, marked: Iterable[tuple[Mailbox, Mark]], known: Known) -> Iterator[Row]:
    """A row for each, the label once; of many who are only seen, the first."""
    everybody = tuple(marked)
    seen = [who for who, mark in everybody if mark is Mark.SEEN_NOT_SENT]
    left = len(seen) - MOST if len(seen) > MOST + 1 else 0
    hidden = {id(who) for who in seen[MOST:]} if left else set()
    for who, mark in everybody:
        if id(who) not in hidden:
            yield Row(label, who, known.get(who.key, mark.value))
            label = ""
    if left:
        yield Row("", f"and {left} more", Mark.SEEN_NOT_SENT.value)


def _authors(plan: Plan) -> Iterator[Row]:
    """The From fields; as text where they name nobody."""
    label = "From"
    for author in shown_in(plan.edited.lean, "from"):
        yield Row(label, author)
        label = ""
    if label:
        yield Row(label, plan.author or NONE)


def _left_out(plan: Plan) -> Iterator[Row]:
    label = "Left out"
    gone = (edit for edit in plan.edits if edit.change is Change.LEFT_OUT)
    for reason, edits in groupby(sorted(gone, key=_reason), key=_reason):
        names = dict.fromkeys(edit.name for edit in edits)
        yield Row(label, f"{', '.join(names)}: {reason}")
        label = ""


def _reason(edit: Edit) -> str:
    return edit.reason
