"""What a user writes to search, as the search keys of IMAP (RFC 3501, 6.4.4).

    FROM boss SINCE 2026-11-01            NOT SEEN (OR SUBJECT "budget plan" TO ann)

Each key and what follows it is known here, so that a slip is found before anything is said to the server, and
so that no text of the user's can become anything but a string.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from ccc.errors import UsageError
from ccc.imap.words import Literal, quoted

EXAMPLE: Final = "FROM boss SINCE 2026-11-01"
LONGEST: Final = 4000  # characters; a server reads lines of 8000 octets (RFC 2683, 3.2.1.5)
DEEPEST: Final = 40  # keys within keys

_FLAGS = ("ANSWERED", "DELETED", "DRAFT", "FLAGGED", "SEEN")
ALONE: Final = frozenset(("ALL", "NEW", "OLD", "RECENT", *_FLAGS, *(f"UN{flag}" for flag in _FLAGS)))
FOLLOWED: Final = {  # what follows a key
    **dict.fromkeys(("BCC", "BODY", "CC", "FROM", "SUBJECT", "TEXT", "TO"), ("text",)),
    **dict.fromkeys(("X-GM-RAW", "X-GM-LABELS"), ("text",)),
    **dict.fromkeys(("BEFORE", "ON", "SINCE", "SENTBEFORE", "SENTON", "SENTSINCE"), ("date",)),
    **dict.fromkeys(("LARGER", "SMALLER"), ("size",)),
    **dict.fromkeys(("OLDER", "YOUNGER"), ("number",)),  # RFC 5032, 2
    **dict.fromkeys(("X-GM-MSGID", "X-GM-THRID"), ("number",)),
    **dict.fromkeys(("KEYWORD", "UNKEYWORD"), ("atom",)),
    "HEADER": ("text", "text"),
    "UID": ("set",),
    "NOT": ("key",),
    "OR": ("key", "key"),
}
MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}

_TOKEN = re.compile(r'\s+|(?P<paren>[()])|(?P<quote>["\'])|(?P<atom>[^\s()"]+)')
_QUOTED = {'"': re.compile(r'((?:[^"\\]|\\.)*)"'), "'": re.compile(r"([^']*)'")}
_SET = re.compile(r"(?:\d{1,10}|\*)(?::(?:\d{1,10}|\*))?(?:,(?:\d{1,10}|\*)(?::(?:\d{1,10}|\*))?)*", re.ASCII)
_ATOM = re.compile(r"[^\s\x00-\x1f\x7f-\U0010ffff(){%*\"\\\]]+")
_SIZE = re.compile(r"(\d{1,12})([KMG]?)B?", re.ASCII | re.IGNORECASE)
_ISO = re.compile(r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})", re.ASCII)
_IMAP = re.compile(r"(?P<day>\d{1,2})-(?P<month>[A-Za-z]{3})-(?P<year>\d{4})", re.ASCII)


class Token(NamedTuple):
    """A word, a string in quotation marks or a parenthesis, and where it stands."""

    kind: str  # "atom", "text", "(" or ")"
    text: str
    at: int


def search_keys(criteria: str) -> tuple[bytes | Literal, ...]:
    """The words of a SEARCH command for these criteria. UsageError if they are none."""
    if (bad := next((char for char in criteria if char in "\r\n\0"), None)) is not None:
        raise _wrong(f"{bad!r} cannot be searched for", "write it in one line")
    if len(criteria) > LONGEST:
        raise _wrong(f"these are {len(criteria)} characters, and {LONGEST} are the most", "search in steps")
    reader = _Reader(criteria)
    reader.keys(0, inside=False)
    return reader.words()


def _tokens(criteria: str) -> Iterator[Token]:
    place = 0
    while place < len(criteria):
        match = _TOKEN.match(criteria, place)
        assert match is not None  # noqa: S101 - one of its branches takes any character
        if match["quote"]:
            end = _QUOTED[match["quote"]].match(criteria, match.end())
            if end is None:
                raise _wrong(f"the quotation mark at character {place + 1} is not closed", "close it")
            text = re.sub(r"\\(.)", r"\1", end[1]) if match["quote"] == '"' else end[1]
            yield Token("text", text, place)
            match = end
        elif match["paren"]:
            yield Token(match["paren"], match["paren"], place)
        elif match["atom"]:
            yield Token("atom", match["atom"], place)
        place = match.end()


@dataclass
class _Reader:
    """Reads search keys from tokens and writes them as IMAP has them."""

    criteria: str

    def __post_init__(self) -> None:
        self._tokens = list(_tokens(self.criteria))
        self._next = 0
        self._out: list[bytes | Literal] = []

    def words(self) -> tuple[bytes | Literal, ...]:
        """What was written, neighbouring octets joined."""
        joined: list[bytes | Literal] = []
        for word in self._out:
            if joined and isinstance(word, bytes) and isinstance(joined[-1], bytes):
                joined[-1] += word
            else:
                joined.append(word)
        return tuple(joined)

    def keys(self, depth: int, *, inside: bool) -> None:
        """One key or more, to the end or to the parenthesis that closes."""
        first = True
        while (token := self._peek()) is not None and not (inside and token.kind == ")"):
            if not first:
                self._out.append(b" ")
            self._key(depth)
            first = False
        if first:
            raise _wrong("there is nothing to search for", f"write e.g. {EXAMPLE}")

    def _key(self, depth: int) -> None:
        if depth > DEEPEST:
            raise _wrong(f"more than {DEEPEST} keys are within each other", "search in steps")
        token = self._take("a search key")
        name = token.text.upper()
        if token.kind == "(":
            self._group(depth, token)
        elif token.kind == "atom" and name in ALONE:
            self._out.append(name.encode())
        elif token.kind == "atom" and name in FOLLOWED:
            self._out.append(name.encode())
            for what in FOLLOWED[name]:
                self._out.append(b" ")
                self._argument(name, what, depth)
        elif token.kind == "atom" and _SET.fullmatch(name):
            self._out.append(b"UID " + name.encode())  # numbers are UIDs everywhere in ccc
        else:
            raise _no_key(token)

    def _group(self, depth: int, opening: Token) -> None:
        self._out.append(b"(")
        self.keys(depth + 1, inside=True)
        if self._peek() is None:
            raise _wrong(f"the parenthesis at character {opening.at + 1} is not closed", "close it")
        self._next += 1
        self._out.append(b")")

    def _argument(self, key: str, what: str, depth: int) -> None:
        if what == "key":
            self._key(depth + 1)
            return
        token = self._take(f"what follows {key}", argument=True)
        if token.kind in "()":
            raise _wrong(
                f"{key} is followed by a parenthesis", 'put text with parentheses in quotation marks: "(x)"'
            )
        match what:
            case "text":
                self._out.append(_string(token.text))
            case "date":
                self._out.append(_date(key, token.text))
            case "size":
                self._out.append(_size(key, token.text))
            case _:
                self._out.append(_checked(key, what, token.text))

    def _peek(self) -> Token | None:
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def _take(self, what: str, *, argument: bool = False) -> Token:
        token = self._peek()
        if token is None:
            missing = f"{what} is missing at the end"
            raise _wrong(missing, f"write e.g. {EXAMPLE}" if argument else "take NOT or OR away, or go on")
        self._next += 1
        return token


def _string(text: str) -> bytes | Literal:
    """Any text as a string (RFC 3501, 4.3)."""
    try:
        octets = text.encode()
    except UnicodeEncodeError:
        raise _wrong("it is not UTF-8", "check the locale of the shell") from None
    return quoted(octets) if text.isascii() and text.isprintable() else Literal(octets)


def _date(key: str, text: str) -> bytes:
    """A date as IMAP writes it (RFC 3501, 9: date-text), from that or from ISO 8601."""
    import datetime as dt

    match = _ISO.fullmatch(text) or _IMAP.fullmatch(text)
    name = match["month"].capitalize() if match else ""
    number = MONTHS.index(name) + 1 if name in MONTHS else int(name) if name.isdigit() else 0
    try:
        day = dt.date(int(match["year"]) if match else 0, number, int(match["day"]) if match else 0)
    except ValueError:
        raise _wrong(f"{key} {text} is no date", f"write {key} 2026-11-01 or {key} 1-Nov-2026") from None
    return f"{day.day}-{MONTHS[day.month - 1]}-{day.year:04d}".encode()


def _size(key: str, text: str) -> bytes:
    match = _SIZE.fullmatch(text)
    if match is None or (octets := int(match[1]) * _UNITS[match[2].upper()]) >= 1 << 32:
        raise _wrong(f"{key} {text} is no size", f"write {key} 500000 or {key} 10M")
    return b"%d" % octets


def _checked(key: str, what: str, text: str) -> bytes:
    """A number, a set of UIDs or an atom."""
    form, cure = {
        "number": (re.compile(r"\d{1,20}", re.ASCII), f"write {key} and a number"),
        "set": (_SET, f"write {key} 42,50:60"),
        "atom": (_ATOM, f"write {key} $Forwarded"),
    }[what]
    if not form.fullmatch(text):
        raise _wrong(f"{key} {text}: this cannot follow {key}", cure)
    return text.encode()


def _no_key(token: Token) -> UsageError:
    from difflib import get_close_matches

    shown = token.text[:60]
    if token.kind == ")":
        return _wrong(
            f"nothing is open that the parenthesis at character {token.at + 1} closes", "leave it out"
        )
    near = get_close_matches(token.text.upper(), sorted({*ALONE, *FOLLOWED}), n=1)
    cure = f"did you mean {near[0]}?" if near else f'write TEXT "{shown}" to search for it, or e.g. {EXAMPLE}'
    return _wrong(f"{shown!r} at character {token.at + 1} is no search key", cure)


def _wrong(what: str, cure: str) -> UsageError:
    return UsageError(f"the search: {what}", cure)


def refused(criteria: str, said: str, keys: Sequence[bytes | Literal]) -> UsageError:
    """The server does not take a search that reads well."""
    foreign = any(isinstance(key, Literal) for key in keys)
    cure = "search for ASCII text only" if foreign else f"try a simpler one, e.g. {EXAMPLE}"
    return UsageError(f"the IMAP server does not take the search {criteria[:200]!r}: {said}", cure)
