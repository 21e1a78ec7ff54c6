"""mbox files (RFC 4155): many messages in one file, each after a line that begins with "From ".

Such a line counts at the beginning of the file, and after an empty line if it looks like one: with the
date that asctime() writes, or with a time and a header field below it. Where a Content-Length leads exactly
to such a line, or to the end, it decides (mboxcl, mboxcl2). The empty line before belongs to the file and
not to the message. The file is gone through once, as far as it is asked for, and never held.
"""

import os
import re
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from ccc.errors import MessageError, SourceError, TryLaterError
from ccc.message.message import Message, read
from ccc.sources.files import FileOctets
from ccc.sources.item import Item
from ccc.sources.maildir import is_maildir
from ccc.sources.unquoting import unquoted

if TYPE_CHECKING:
    from ccc.sources.names import MboxName

_EMPTY: Final = ("is empty", "check its name")
_FROM: Final = b"From "
_NEXT: Final = b"\nFrom "
_BEFORE: Final = 2  # octets before a line that tell whether an empty line precedes it
_AFTER: Final = 1024  # octets from a From_ line on that tell whether it is one
_HEADER: Final = 64 * 1024  # how far a Content-Length is looked for
_LINE_ENDS: Final = re.compile(rb"[\r\n]*")
_EMPTY_LINE: Final = re.compile(rb"\n\r?\n")
_LENGTH: Final = re.compile(rb"\nContent-Length[ \t]*:[ \t]*([0-9]{1,15})[ \t]*(?=\r?\n)", re.IGNORECASE)
_LANDING: Final = re.compile(rb"(\r?\n)?(?:\r?\n)?")
_LINE: Final = re.compile(rb"From ([^\r\n]{0,400})(\r?\n|\Z)")
_DAY = rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),?"
_MONTH = rb"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_DATE: Final = re.compile(  # Fri Jul  8 12:08:34 2011, with a zone here or there, or day and month turned
    rb"\b" + _DAY + rb" {1,3}(?:" + _MONTH + rb" {1,3}\d{1,2}|\d{1,2} " + _MONTH + rb")\b"
    rb"(?=.{0,40}\d:\d\d)(?=.{0,40}\d{4})"
)
_TIME: Final = re.compile(rb"\d:\d\d|\A-?\Z")  # Thunderbird may write no date at all
_FIELD: Final = re.compile(rb"(?:>From [^\r\n]{0,400}\r?\n)?[!-9;-~]{1,80}[ \t]{0,8}:")


class Span(NamedTuple):
    """Where a message lies in the file, with its From_ line."""

    start: int
    stop: int
    counted: bool  # its Content-Length said so
    inside: int = 0  # From_ lines in it that follow no empty line


def mbox_items(named: "MboxName") -> Iterator[Item]:
    """The messages of an mbox, or the one that is named. Raises SourceError, MessageError, TryLaterError."""
    path, number = named
    if is_maildir(path):
        raise SourceError(f"{path!r} is a Maildir", f"name it without mbox: {path}")
    file = FileOctets(path)
    _refuse_locked(file)
    count = 0
    for span in spans(file):
        count += 1
        if number in (None, count):
            name = f"mbox:{path}#{count}"
            yield Item(name, partial(_read, file, span, name))
        if count == number:
            return
    if number:
        what, cure = (f"has {count}", f"the last is mbox:{path}#{count}") if count else _EMPTY
        raise SourceError(f"there is no message {number} in {path!r}, which {what}", cure)


def spans(file: FileOctets) -> Iterator[Span]:
    """Where each message lies. Raises SourceError, and MessageError if this is no mbox."""
    window = _Window(file)
    start = _first(window)
    while start < file.size:
        span, start = _counted(window, start) or _uncounted(window, start)
        yield span


class _Window:
    """The part of the file that is looked at."""

    def __init__(self, file: FileOctets) -> None:
        self.file = file
        self._held = b""
        self._offset = 0

    def at(self, offset: int, count: int) -> tuple[bytes, int]:
        """Octets of the file, and where in them `offset` is: `count` from there on, or up to the end."""
        end = min(offset + count, self.file.size)
        if not (self._offset + _BEFORE <= offset and end <= self._offset + len(self._held)):
            self._offset = max(0, offset - _BEFORE)
            self._held = self.file.block(self._offset)
        return self._held, offset - self._offset

    def offset(self, at: int) -> int:
        """What stands at `at` of the octets held has this offset in the file."""
        return self._offset + at

    def ends(self, held: bytes) -> bool:
        """Whether these octets go on to the end of the file."""
        return self._offset + len(held) >= self.file.size


def _read(file: FileOctets, span: Span, name: str) -> Message:
    part = file.part(span.start, span.stop - span.start)
    try:
        octets, mbox = unquoted(part)
        message = read(octets, name, counted=span.counted or mbox.unquoted > 0)
    finally:
        part.close()
    inside = message.mbox.inside if message.mbox and span.counted else span.inside
    return message._replace(mbox=mbox._replace(inside=inside))


def _first(window: _Window) -> int:
    """Where the first From_ line is, or the end; empty lines before it do not count."""
    held, at = window.at(0, _AFTER)
    start = _LINE_ENDS.match(held, at).end()  # type: ignore[union-attr]  # it matches everywhere
    if start < window.file.size and not held.startswith(_FROM, start):
        raise MessageError(
            f"{window.file.name!r} is no mbox: it does not begin with a From line",
            cure=f"if it is one message, name it without mbox: {window.file.name}",
        )
    return start


def _counted(window: _Window, start: int) -> tuple[Span, int] | None:
    """The message at `start` by its Content-Length, and where the next one is; None if that leads nowhere."""
    held, at = window.at(start, _HEADER)
    empty = _EMPTY_LINE.search(held, at, at + _HEADER)
    found = _LENGTH.findall(held, at, empty.end()) if empty else []
    if not empty or len(set(found)) != 1:
        return None
    stop = start + empty.end() - at + int(found[0])
    if stop > window.file.size:
        return None
    held, at = window.at(stop, _AFTER)
    landing = _LANDING.match(held, at)
    after = landing.end() if landing else at
    at_end = after == len(held) and window.ends(held)
    if not at_end and not (held.startswith(b"\n", after - 1) and _is_from_line(held, after)):
        return None
    if landing and landing[1] and not held.startswith(b"\n", at - 1):
        stop += len(landing[1])  # the end of the last line, which was not counted
    return Span(start, stop, counted=True), window.offset(after)


def _uncounted(window: _Window, start: int) -> tuple[Span, int]:
    """The message at `start` up to the next From_ line, and where that is."""
    offset, inside = start, 0
    while True:
        held, at = window.at(offset, 2 * _AFTER)
        last = window.ends(held)
        stop = len(held) if last else len(held) - _AFTER
        border, more = _border(held, at, stop)
        inside += more
        if border:
            end, following = map(window.offset, border)
            return Span(start, end, counted=False, inside=inside), following
        if last:
            end = window.file.size
            return Span(start, end - _last_empty_line(held[at:]), counted=False, inside=inside), end
        offset = window.offset(stop)


def _border(held: bytes, at: int, stop: int) -> tuple[tuple[int, int] | None, int]:
    """Where a message ends before `stop`, and where the next one begins; and the From_ lines before that."""
    inside = 0
    while 0 <= (at := held.find(_NEXT, at, stop + len(_NEXT))) < stop:
        before = held[max(0, at - _BEFORE) : at]
        empty = 1 if before.endswith(b"\n") else 2 if before == b"\n\r" else 0
        if _is_from_line(held, at + 1):
            if empty:
                return (at + 1 - empty, at + 1), inside
            inside += _has_field(held, at + 1)
        at += 1
    return None, inside


def _is_from_line(held: bytes, at: int) -> bool:
    line = _LINE.match(held, at)
    if not line:
        return False
    return bool(_DATE.search(line[1])) or (bool(_TIME.search(line[1].strip())) and _has_field(held, at))


def _has_field(held: bytes, at: int) -> bool:
    """Whether a header field follows the From_ line that begins here."""
    line = _LINE.match(held, at)
    return line is not None and _FIELD.match(held, line.end()) is not None


def _last_empty_line(octets: bytes) -> int:
    """How many octets of the end of the file are the empty line that ends the last message."""
    if octets.endswith(b"\n\r\n"):
        return 2
    return 1 if octets.endswith(b"\n\n") else 0


def _refuse_locked(file: FileOctets) -> None:
    """Raise TryLaterError if another program is writing."""
    lock = f"{file.name}.lock"
    if os.path.lexists(lock):
        raise TryLaterError(
            f"{file.name!r} is in use: there is {lock!r}",
            "run it again later; if no mail program is running, remove that file",
        )
    if file.is_locked():
        raise TryLaterError(
            f"{file.name!r} is locked by a program that writes to it", "run it again in a moment"
        )
