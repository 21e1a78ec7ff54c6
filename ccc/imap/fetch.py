"""FETCH (RFC 3501, 6.4.5): what messages are like, their octets, and the few fields that a list shows.

A server may say at any time that flags have changed, so an answer counts only if it has what was asked for.
Then it must be exactly one, for a UID that was asked for, with as many octets as the server said before.
"""

import re
import time
from calendar import timegm
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from ccc.errors import MessageError, SourceError
from ccc.imap.search import MONTHS
from ccc.imap.uids import pieces, uid_set
from ccc.imap.wire import TOTAL, Bounds
from ccc.message.octets import HeldOctets, Octets

if TYPE_CHECKING:
    from ccc.imap.client import Client, Value
    from ccc.message.header import Field

PART: Final = 1 << 20  # octets of a message that are asked for at once
CHUNK: Final = 4 << 20  # octets of small messages that are asked for at once
MANY: Final = 1000  # messages in one command
LISTED: Final = 100  # messages in one command where fields are asked for
FIELDS: Final = 1 << 14  # octets of the fields for a list; longer ones are cut by the server
PEOPLE: Final = 1 << 10  # octets of To, which may be long: the others must not be cut because of it
FLAGS: Final = 1 << 9  # octets for the flags of a message, and more are seldom
_BRIEF: Final = b"(UID FLAGS INTERNALDATE RFC822.SIZE)"
_SUMMARY: Final = (
    b"(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (DATE FROM SUBJECT MESSAGE-ID)]<0.%d> "
    b"BODY.PEEK[HEADER.FIELDS (TO)]<0.%d>)" % (FIELDS, PEOPLE)
)
_BODY: Final = "BODY[]"
_HEADER: Final = "BODY[HEADER.FIELDS "
_RECEIVED: Final = re.compile(
    rb" ?(?P<day>\d{1,2})-(?P<month>[A-Za-z]{3})-(?P<year>\d{4}) "
    rb"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d) (?P<sign>[+-])(?P<hours>\d\d)(?P<minutes>\d\d)"
)  # RFC 3501, 9: date-time


class Brief(NamedTuple):
    """What a message is like: its octets by RFC822.SIZE, its flags, when it came there in Unix time."""

    uid: int
    size: int
    flags: tuple[str, ...] = ()
    received: float | None = None


class Summary(NamedTuple):
    """What a list shows of a message; its text is decoded and can hold any character."""

    uid: int
    size: int
    flags: tuple[str, ...]
    received: float | None
    date: str
    author: str
    subject: str
    message_id: str
    to: str


class Answer(NamedTuple):
    """One FETCH response."""

    uid: int | None
    items: "dict[str, Value]"


def briefs(client: "Client", uids: Sequence[int]) -> Iterator[Brief]:
    """What these messages are like, by ascending UIDs; those that are not there are left out."""
    for group in pieces(uids, MANY):
        found = _described(
            client, group, fetch(client, group, _BRIEF, Bounds(room=TOTAL + len(group) * FLAGS))
        )
        yield from (brief for brief, _ in found)


def summaries(client: "Client", uids: Sequence[int]) -> Iterator[Summary]:
    """The same with the fields for a list."""
    for group in pieces(uids, LISTED):
        bounds = Bounds(literal=2 * FIELDS, content=len(group) * (FIELDS + PEOPLE + FLAGS))
        for brief, answer in _described(client, group, fetch(client, group, _SUMMARY, bounds)):
            found = [item for item in answer.items.items() if item[0].startswith(_HEADER)]
            to = next((fields for name, fields in found if "SUBJECT" not in name.upper()), None)
            fields = next((fields for name, fields in found if "SUBJECT" in name.upper()), None)
            yield _summary(brief, *(each if isinstance(each, bytes) else b"" for each in (fields, to)))


def bodies(
    client: "Client", wanted: Iterable[Brief], max_size: int
) -> Iterator[tuple[Brief, Octets | SourceError | MessageError]]:
    """The octets of these messages in their order, or why there are none."""
    group: list[Brief] = []
    weight = 0
    for brief in wanted:
        alone = brief.size > PART
        weight += brief.size
        if group and (alone or len(group) >= MANY or weight > CHUNK):
            yield from _small(client, group)
            group, weight = [], brief.size
        if brief.size > max_size:
            yield brief, _too_big(brief, max_size)
        elif alone:
            yield brief, _big(client, brief)
        else:
            group.append(brief)
    if group:
        yield from _small(client, group)


def fetch(client: "Client", uids: Sequence[int], items: bytes, bounds: Bounds) -> Iterator[Answer]:
    """Ask for these items of these messages; every FETCH response, asked for or not. Refused."""
    client.run(b"UID FETCH %b %b" % (uid_set(uids), items), bounds)
    for parts in client.responses("FETCH"):
        yield _answer(client, parts)


def _answer(client: "Client", parts: "tuple[Value, ...]") -> Answer:
    """A FETCH response: a number, then names and values in parentheses (RFC 3501, 7.4.2)."""
    listed = parts[1] if len(parts) == 2 else None
    if not isinstance(listed, tuple) or len(listed) % 2:
        client.wire.broken("the IMAP server sent a FETCH response that cannot be read")
    items: dict[str, Value] = {}
    for name, value in zip(listed[::2], listed[1::2], strict=True):
        key = name.decode("ascii", "replace").upper() if isinstance(name, bytes) else ""
        if not key or key in items:
            client.wire.broken("the IMAP server sent a FETCH response with an item twice, or without a name")
        items[key] = value
    uid = items.get("UID")
    return Answer(uid if isinstance(uid, int) else None, items)


def _described(
    client: "Client", group: Sequence[int], answers: Iterable[Answer]
) -> Iterator[tuple[Brief, Answer]]:
    """Those answers that say what a message of the group is like."""
    found: dict[int, tuple[Brief, Answer]] = {}
    wanted = frozenset(group)
    for answer in answers:
        size = answer.items.get("RFC822.SIZE")
        if answer.uid not in wanted or size is None:
            continue  # a change of flags that nobody asked for (RFC 3501, 7.4.2)
        if not isinstance(size, int) or answer.uid in found:
            client.wire.broken(f"the IMAP server described message {answer.uid} twice, or without its size")
        found[answer.uid] = (_brief(answer.uid, size, answer), answer)
    return (found[uid] for uid in group if uid in found)


def _brief(uid: int, size: int, answer: Answer) -> Brief:
    flags, received = answer.items.get("FLAGS"), answer.items.get("INTERNALDATE")
    listed = flags if isinstance(flags, tuple) else ()
    names = tuple(each.decode("ascii", "replace") for each in listed if isinstance(each, bytes))
    return Brief(uid, size, names, unix_time(received) if isinstance(received, bytes) else None)


def _small(
    client: "Client", group: Sequence[Brief]
) -> Iterator[tuple[Brief, Octets | SourceError | MessageError]]:
    """Messages that fit into one answer."""
    uids = sorted({brief.uid for brief in group})
    found: dict[int, Value] = {}
    for piece in pieces(uids, MANY):
        bounds = Bounds(literal=CHUNK, content=sum(brief.size for brief in group))
        for answer in fetch(client, piece, b"(UID BODY.PEEK[])", bounds):
            if _BODY in answer.items:
                uid = _asked_for(client, answer, piece)
                if uid in found:
                    client.wire.broken(f"the IMAP server sent message {uid} twice")
                found[uid] = answer.items[_BODY]
    for brief in group:
        yield brief, _judged(client, brief, found)


def _asked_for(client: "Client", answer: Answer, asked: Sequence[int]) -> int:
    """The UID of an answer with octets."""
    if answer.uid is None:
        client.wire.broken("the IMAP server sent a message without its UID")
    if answer.uid not in asked:
        client.wire.broken(f"the IMAP server sent message {answer.uid}, which was not asked for")
    return answer.uid


def _judged(client: "Client", brief: Brief, found: "dict[int, Value]") -> Octets | SourceError | MessageError:
    """The octets that came for this message, or what is wrong with them."""
    if brief.uid not in found:
        return _gone(brief)
    octets = found[brief.uid]
    if octets is None:
        return _withheld(brief)
    if not isinstance(octets, bytes):
        client.wire.broken(f"the IMAP server sent no octets for message {brief.uid}")
    return HeldOctets(octets) if len(octets) == brief.size else _wrong_size(brief, len(octets))


def _big(client: "Client", brief: Brief) -> Octets | SourceError | MessageError:
    """A message in parts, in a file. StateError if that cannot be written."""
    from ccc.transport.spool import Spool

    spool = Spool(f"message {brief.uid}")
    try:
        while True:
            part = _part(client, brief, spool.size)
            if part is None:
                return _gone(brief) if not spool.size else _withheld(brief)
            spool.write(part)
            if spool.size > brief.size:
                return _wrong_size(brief, spool.size, more=True)
            if len(part) < PART:  # RFC 3501, 6.4.5: less than was asked for comes only at the end
                return spool.finish() if spool.size == brief.size else _wrong_size(brief, spool.size)
    finally:
        spool.close()


def _part(client: "Client", brief: Brief, offset: int) -> bytes | None:
    """One part of a message; nothing beyond its end; None if the server has no octets for us."""
    items = b"(UID BODY.PEEK[]<%d.%d>)" % (offset, PART)
    found: list[Value] = []
    for answer in fetch(client, (brief.uid,), items, Bounds(literal=PART, content=PART)):
        if any(name.startswith(_BODY) for name in answer.items):
            _asked_for(client, answer, (brief.uid,))
            if f"{_BODY}<{offset}>" not in answer.items or found:
                client.wire.broken(
                    f"the IMAP server sent another part of message {brief.uid} than was asked for"
                )
            found.append(answer.items[f"{_BODY}<{offset}>"])
    octets = found[0] if found else None
    if octets is None and offset == brief.size:
        return b""
    if octets is not None and not isinstance(octets, bytes):
        client.wire.broken(f"the IMAP server sent no octets for message {brief.uid}")
    return octets


def _summary(brief: Brief, octets: bytes, to: bytes) -> Summary:
    """What is in the fields, decoded."""
    from ccc.address import decode_words
    from ccc.message.header import Header, parse

    header = Header(parse(octets))
    subject, date, message_id = (header.first(name) for name in ("subject", "date", "message-id"))
    return Summary(
        *brief,
        date.text if date else "",
        _people(header.first("from")),
        decode_words(subject.text) if subject else "",
        message_id.text if message_id else "",
        _people(Header(parse(to)).first("to")),
    )


def _people(field: "Field | None") -> str:
    """The first three who stand in a field, or its text."""
    from ccc.address import decode_words, read_list

    if field is None:
        return ""
    return ", ".join(each.eyes() for each in read_list(field.value)[:3]) or decode_words(field.text)


def unix_time(said: bytes) -> float | None:
    """An INTERNALDATE in Unix time; None if it is none."""
    match = _RECEIVED.fullmatch(said)
    if match is None or (name := match["month"].decode().capitalize()) not in MONTHS:
        return None
    month = MONTHS.index(name) + 1
    clock = (int(match["hour"]), int(match["minute"]), int(match["second"]))
    offset = int(match["hours"]) * 3600 + int(match["minutes"]) * 60
    try:
        moment = timegm((int(match["year"]), month, int(match["day"]), *clock))
    except ValueError:
        return None
    return float(moment - offset if match["sign"] == b"+" else moment + offset)


def internal_date(moment: float) -> bytes:
    """Unix time as an INTERNALDATE in the zone of this host (RFC 3501, 9: date-time)."""
    local = time.localtime(moment)
    minutes = abs(local.tm_gmtoff) // 60
    sign = "-" if local.tm_gmtoff < 0 else "+"
    day = f"{local.tm_mday:2d}-{MONTHS[local.tm_mon - 1]}-{local.tm_year:04d}"
    clock = f"{local.tm_hour:02d}:{local.tm_min:02d}:{local.tm_sec:02d}"
    return f'"{day} {clock} {sign}{minutes // 60:02d}{minutes % 60:02d}"'.encode()


def _gone(brief: Brief) -> SourceError:
    return SourceError(
        f"message {brief.uid} is not in the folder any more", "search for it again: it was deleted or moved"
    )


def _withheld(brief: Brief) -> SourceError:
    return SourceError(
        f"the IMAP server does not give out message {brief.uid}",
        "try again later, or look at it in a mail client",
    )


def _wrong_size(brief: Brief, size: int, *, more: bool = False) -> MessageError:
    return MessageError(
        f"message {brief.uid} has {brief.size} octets by the IMAP server's RFC822.SIZE, and"
        f" {'more than that' if more else size} came",
        cure="some servers count wrongly: save the message as a file in a mail client, and name that",
    )


def _too_big(brief: Brief, max_size: int) -> MessageError:
    return MessageError(
        f"message {brief.uid} has {brief.size} octets, and {max_size} are the most that is read",
        cure="give a larger --max-size",
    )
