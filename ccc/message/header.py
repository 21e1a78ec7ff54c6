"""A header whose fields keep their octets.

A Header gains fields on top or after another one, loses whole fields, and extends a field at its end;
it can do nothing else to a message. Octets that are never touched cannot be damaged, and a signature
over them still holds.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from ccc.message.lines import CR, CRLF, LF, unified

JUNK: Final = ""  # the key of a line that is no field
_WSP: Final = b" \t"
_LINE_ENDS: Final = (CRLF, LF, CR)
# RFC 5322, 3.6.8: printable ASCII without the colon; white space before the colon is obsolete (4.5.8)
_NAME: Final = re.compile(rb"([!-9;-~]+)[ \t]*")


class Field(NamedTuple):
    """One header field with its folds and line ends as they came, or a junk line (key "")."""

    raw: bytes
    key: str  # the name in lower case, for comparing

    @property
    def name(self) -> str:
        """The name as written."""
        return self.raw.partition(b":")[0].rstrip(_WSP).decode("ascii") if self.key else ""

    @property
    def value(self) -> bytes:
        """The octets after the colon, with the folds but without the last line end; all of a junk line."""
        start = self.raw.index(b":") + 1 if self.key else 0
        return self.raw[start:].removesuffix(line_end(self.raw))

    @property
    def text(self) -> str:
        """The value on one line for eyes (RFC 5322, 2.2.3); it can hold any character still."""
        unfolded = self.value.replace(CR, b"").replace(LF, b"")  # RFC 5322, 2.2.3
        return unfolded.strip(_WSP).decode("utf-8", "backslashreplace")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Header:
    """The fields of a message in their order."""

    fields: tuple[Field, ...]

    def __iter__(self) -> Iterator[Field]:
        return iter(self.fields)

    def octets(self) -> bytes:
        """The header as it stands, without the empty line that ends it."""
        return b"".join([field.raw for field in self.fields])

    def wire(self) -> bytes:
        """The same with CRLF line ends."""
        octets = self.octets()
        if CR not in octets:
            return unified(octets)
        if octets.count(CR) == octets.count(LF) == octets.count(CRLF) and self._ended_by_crlf():
            return octets
        # Field by field: once a field is left out, a CR and an LF may meet that were no CRLF before.
        return b"".join([unified(field.raw) for field in self.fields])

    def _ended_by_crlf(self) -> bool:
        return all(field.raw.endswith(CRLF) for field in self.fields)

    def all(self, key: str) -> tuple[Field, ...]:
        """Every field of this lower-case name, from the top."""
        return tuple([field for field in self.fields if field.key == key])

    def first(self, key: str) -> Field | None:
        """The topmost field of this name."""
        for field in self.fields:
            if field.key == key:
                return field
        return None

    def count(self, key: str) -> int:
        """How often the name occurs."""
        return len(self.all(key))

    def where(self, matches: Callable[[Field], bool]) -> tuple[Field, ...]:
        """Every field that matches."""
        return tuple([field for field in self.fields if matches(field)])

    def line_of(self, field: Field) -> int:
        """The number of the line that this very field begins on; the topmost line is 1."""
        above = self.fields[: self._index(field)]
        return 1 + sum(len(other.raw.splitlines()) for other in above)

    def on_top(self, octets: bytes) -> "Header":
        """These fields above all others."""
        return Header(parse(octets) + self.fields)

    def without(self, fields: Iterable[Field]) -> "Header":
        """All but these very fields; an equal one elsewhere stays."""
        left_out = {id(field) for field in fields}
        return Header(tuple([field for field in self.fields if id(field) not in left_out]))

    def after(self, field: Field | None, octets: bytes) -> "Header":
        """New fields below this one, or at the end."""
        at = self._index(field) + 1 if field else len(self.fields)
        above = Header(self.fields[:at]).ended()
        return Header(above.fields + parse(octets) + self.fields[at:])

    def ended(self) -> "Header":
        """The same with an end to its last line: a header may end with the end of the file."""
        if not self.fields or line_end(self.fields[-1].raw):
            return self
        return Header((*self.fields[:-1], _field(self.fields[-1].raw + CRLF)))

    def extended(self, field: Field, octets: bytes) -> "Header":
        """More octets at the end of a field, before its last line end."""
        at = self._index(field)
        end = line_end(field.raw)
        longer = _field(field.raw.removesuffix(end) + octets + (end or CRLF))
        return Header((*self.fields[:at], longer, *self.fields[at + 1 :]))

    def _index(self, field: Field) -> int:
        return next(at for at, other in enumerate(self.fields) if other is field)


def parse(octets: bytes) -> tuple[Field, ...]:
    """Cut a header into fields; the octets of all of them together are the octets given."""
    fields = []
    start = at = 0
    for line in octets.splitlines(keepends=True):  # at CRLF, LF and CR: the rule of lines.py
        if line[0] not in _WSP and at:  # RFC 5322, 2.2.3: a fold begins with white space
            fields.append(_field(octets[start:at]))
            start = at
        at += len(line)
    if octets:
        fields.append(_field(octets[start:]))
    return tuple(fields)


def line_end(octets: bytes) -> bytes:
    """The line end that these octets finish with, if any."""
    return next((end for end in _LINE_ENDS if octets.endswith(end)), b"")


def separator_at(octets: bytes | bytearray, start: int = 0) -> int:
    """Where the empty line begins that ends the header, a line end directly after another; or -1."""
    found = octets.find(b"\n\r", start) if CR in octets else -1
    for pair in (b"\n\n", b"\r\r"):  # RFC 5322, 2.1; the fourth pair, CRLF, is one line end
        at = octets.find(pair, start, found + 1 if found >= 0 else None)
        found = at if at >= 0 else found
    return found + 1 if found >= 0 else -1


def _field(raw: bytes) -> Field:
    colon = raw.find(b":")
    return Field(raw, _key(raw[:colon]) if colon > 0 else JUNK)


@lru_cache(maxsize=1024)  # a batch has the same few names again and again
def _key(name: bytes) -> str:
    return name.rstrip(_WSP).decode("ascii").lower() if _NAME.fullmatch(name) else JUNK
