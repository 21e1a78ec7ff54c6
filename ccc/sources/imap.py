"""Messages on an IMAP server: which ones are wanted, and each fetched when its turn has come.

A UID means a message only together with the UIDVALIDITY of its folder (RFC 3501, 2.3.1.1). So UIDs that a
user named count only if that is the one they were named with, or else the one that ccc saw there last.
Messages are fetched some at a time, in the order in which they are read; nothing on the server changes.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from ccc.errors import CccError, LinkError, SourceError, UsageError
from ccc.message.message import Filed, Message, Origin, read
from ccc.message.octets import Octets
from ccc.plan import Action
from ccc.sources.backlog import Backlog
from ccc.sources.item import Item
from ccc.sources.names import Ranges, Url, Wanted, from_name, name_of, parse_uids

if TYPE_CHECKING:
    from ccc.imap import Brief, Selected, Session

__all__ = ["Lot", "Url", "Wanted", "from_name", "imap_items", "parse_uids"]

Remembered = Callable[[str], int | None]
"""The UIDVALIDITY that a folder had when ccc last saw it."""

SettledUids = Callable[[str, int, Sequence[int]], frozenset[int]]
"""Which of these UIDs of a folder, under this UIDVALIDITY, need not be fetched again."""

_BRIEFS: Final = 500  # messages whose sizes are asked for at once
_AHEAD: Final = 100  # messages that are fetched at once,
_WEIGHT: Final = 4 << 20  # and their octets
_RANGES: Final = 100  # in one search
_SUMMARIES: Final = 100  # messages whose Message-ID is compared at once


@dataclass(frozen=True, slots=True)
class Lot:
    """What was found: items in order, how many there are, and how many were left out as settled."""

    items: Iterator[Item]
    count: int
    settled: int
    folder: str
    uidvalidity: int


def imap_items(
    session: "Session",
    account_name: str,
    wanted: Wanted,
    *,
    action: Action,
    remembered: Remembered,
    settled: SettledUids,
) -> Lot:
    """The messages that are wanted, in order of their UIDs; none is fetched before it is read.

    Raises UsageError and SourceError, also where UIDs may mean other messages than they did, and whatever
    the session raises. A UID that was named and is not there is an item that says so.
    """
    if not (wanted.message_id or wanted.uids or wanted.search):
        raise UsageError("no message is named", "name it as imap:42, or search for it with --imap-search")
    if wanted.message_id:
        selected, uids = _by_message_id(session, wanted, action)
    else:
        selected = session.examine(wanted.folder or _usual_folder(session, action))
        uids = _chosen(session, selected, wanted, remembered)
    done = settled(selected.folder, selected.uidvalidity, uids)
    left = tuple(uid for uid in uids if uid not in done)
    lot = _Lot(session, account_name, selected, left)
    return Lot(lot.items(), len(left), len(uids) - len(left), selected.folder, selected.uidvalidity)


def _usual_folder(session: "Session", action: Action) -> str:
    return session.special("\\Sent") if action is Action.RESEND else "INBOX"


def _chosen(
    session: "Session", selected: "Selected", wanted: Wanted, remembered: Remembered
) -> tuple[int, ...]:
    """The UIDs that were named, or that the search finds, or both; ascending."""
    if not wanted.uids:
        return tuple(session.search(wanted.search))
    bound, ranges = parse_uids(wanted.uids)
    bound = wanted.uidvalidity or bound
    if bound is None:
        _refuse_ambiguous(selected, ranges, wanted.uids)
        _refuse_other(selected, remembered(selected.folder))
    else:
        _refuse_unbound(selected, bound)
    if wanted.search:
        return tuple(uid for uid in session.search(wanted.search) if _is_in(uid, ranges))
    return _named(session, ranges)


def _named(session: "Session", ranges: Ranges) -> tuple[int, ...]:
    """Each UID that was named by itself, and those of the ranges that are there."""
    found = {first for first, last in ranges if first == last}
    spans = [each for each in ranges if each[0] != each[1]]
    for at in range(0, len(spans), _RANGES):
        some = tuple(spans[at : at + _RANGES])
        text = ",".join(f"{first}:{last or '*'}" for first, last in some)
        # The newest is always in a:*, even below a (RFC 3501, 6.4.8).
        found.update(uid for uid in session.search(f"UID {text}") if _is_in(uid, some))
    return tuple(sorted(found))


def _is_in(uid: int, ranges: Ranges) -> bool:
    return any(first <= uid and (last is None or uid <= last) for first, last in ranges)


def _refuse_unbound(selected: "Selected", bound: int) -> None:
    if selected.uidvalidity != bound:
        raise SourceError(
            f"the UIDs are bound to UIDVALIDITY {bound}, and {selected.folder} has {selected.uidvalidity}: "
            "the server has numbered its messages anew",
            "look for the message with `ccc list`, which shows its new UID; a range is written 2:3",
        )


def _refuse_other(selected: "Selected", last: int | None) -> None:
    if last not in (None, selected.uidvalidity):
        raise SourceError(
            f"{selected.folder} has UIDVALIDITY {selected.uidvalidity}, and had {last} when ccc saw it last: "
            "a UID may be another message now",
            f"look for it with `ccc list`, and name it with both numbers: {selected.uidvalidity}:UID",
        )


def _refuse_ambiguous(selected: "Selected", ranges: Ranges, text: str) -> None:
    """Refuse 7:42 where 7 is the UIDVALIDITY: it may be meant as one message, or as thirty-six."""
    first, last = ranges[0]
    if first == selected.uidvalidity and last not in (None, first):
        raise UsageError(
            f"{text} may be a range of UIDs, or UID {last} under UIDVALIDITY {first} of {selected.folder}",
            f"write {first}:{first}:{last} for the range, {first}:{last}:{last} for that one message",
        )


def _by_message_id(session: "Session", wanted: Wanted, action: Action) -> "tuple[Selected, tuple[int, ...]]":
    """The first message with exactly this Message-ID, in the first folder that has one."""
    quoted = wanted.message_id.replace("\\", "\\\\").replace('"', '\\"')
    folders = _folders(session, wanted.folder, action)
    for folder in folders:
        selected = session.examine(folder)
        hits = tuple(session.search(f'HEADER Message-ID "{quoted}"'))
        for at in range(0, len(hits), _SUMMARIES):
            for summary in session.summaries(hits[at : at + _SUMMARIES]):
                # A search finds it in longer ones too (RFC 3501, 6.4.4).
                if _bare(summary.message_id) == _bare(wanted.message_id):
                    return selected, (summary.uid,)
    raise SourceError(
        f"there is no message {wanted.message_id} in {', '.join(folders)}",
        "check the Message-ID, or name another folder with --folder",
    )


def _bare(text: str) -> str:
    """A Message-ID without folds and comments."""
    text = "".join(text.split())
    return text[text.find("<") : text.find(">") + 1]


def _folders(session: "Session", named: str | None, action: Action) -> tuple[str, ...]:
    """Where a message is looked for, one after the other; what should hold all of them need not.

    For a redirect the folder for sent mail comes last: a copy of what was redirected before has the same
    Message-ID, and a resent block that is not the new people's business.
    """
    if named:
        return (named,)
    everything, sent, archive = (session.find_special(use) for use in ("\\All", "\\Sent", "\\Archive"))
    redirect = action is Action.REDIRECT
    found = (everything, "INBOX", archive, sent) if redirect else (everything, sent, "INBOX", archive)
    return tuple(dict.fromkeys(folder for folder in found if folder))


class _Lot:
    """The messages of a lot: read in order they are fetched some at a time, otherwise one by one."""

    def __init__(self, session: "Session", account: str, selected: "Selected", uids: tuple[int, ...]) -> None:
        self._session = session
        self._account = account
        self._selected = selected
        self._uids = uids
        self._briefs: dict[int, Brief] = {}
        self._looked = range(0)  # places whose briefs were asked for
        self._fetched: dict[int, Octets | CccError] = {}
        self._backlog = Backlog()
        self._next = 0  # the place that is read next if all are read in order
        self._ahead = 0  # one, then two, four …: whoever wants one message fetches no more

    def items(self) -> Iterator[Item]:
        """Each message as an item."""
        return (Item(self._name(uid), partial(self._read, place)) for place, uid in enumerate(self._uids))

    def _name(self, uid: int) -> str:
        return name_of(self._selected.folder, self._selected.uidvalidity, uid)

    def _read(self, place: int) -> Message:
        uid = self._uids[place]
        if uid not in self._fetched:
            self._fetch(place)
        self._next = place + 1
        octets = self._fetched.pop(uid)
        if isinstance(octets, CccError):
            raise octets
        brief = self._briefs[uid]
        flags = tuple(flag for flag in brief.flags if flag.lower() != "\\recent")  # the server's own
        return read(octets, self._name(uid))._replace(
            origin=Origin(self._account, self._selected.folder, self._selected.uidvalidity, uid),
            filed=Filed(flags, brief.received),
        )

    def _fetch(self, place: int) -> None:
        """Fetch the message at this place, and those after it if they are likely to be read next."""
        self._select()
        self._look(place)
        self._ahead = max(1, min(2 * self._ahead, _AHEAD)) if place == self._next else 1
        uids = self._batch(place)
        self._fetched = {uid: self._missing(uid) for uid in uids if uid not in self._briefs}
        try:
            for brief, octets in self._session.fetch(
                [self._briefs[uid] for uid in uids if uid in self._briefs]
            ):
                kept = octets if isinstance(octets, CccError) else self._backlog.put(octets)
                self._fetched[brief.uid] = kept
        except LinkError:
            if self._uids[place] not in self._fetched:
                raise  # otherwise whoever reads the next one hears of it

    def _batch(self, place: int) -> list[int]:
        """So many as are wanted ahead, and weigh little."""
        batch: list[int] = []
        weight = 0
        for uid in self._uids[place : min(place + self._ahead, self._looked.stop)]:
            weight += self._briefs[uid].size if uid in self._briefs else 0
            if batch and weight > _WEIGHT:
                break
            batch.append(uid)
        return batch

    def _look(self, place: int) -> None:
        """Know how big the messages from this place on are."""
        if place not in self._looked:
            self._looked = range(place, min(place + _BRIEFS, len(self._uids)))
            uids = self._uids[place : self._looked.stop]
            self._briefs = {brief.uid: brief for brief in self._session.briefs(uids)}

    def _select(self) -> None:
        """Look at the folder again: what else is done with this session may have left it."""
        now = self._session.examine(self._selected.folder)
        _refuse_unbound(now, self._selected.uidvalidity)

    def _missing(self, uid: int) -> SourceError:
        return SourceError(
            f"there is no message with UID {uid} in {self._selected.folder}",
            "see `ccc list` for what is there",
        )
