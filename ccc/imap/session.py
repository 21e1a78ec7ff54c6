"""A session with a mail store: what is in its folders, messages out of them and into them.

Folders are read with EXAMINE and messages with BODY.PEEK, so that nothing is ever marked as read by looking.
Only `mark` selects a folder for writing, and what is read next examines it again.
"""

import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, Self, TypeVar

from ccc.accounts.renewal import Login
from ccc.delivery import Sendable
from ccc.errors import CccError, MessageError, SourceError, UsageError
from ccc.imap import names, search
from ccc.imap.append import Appended, append
from ccc.imap.fetch import Brief, Summary, bodies, briefs, summaries
from ccc.imap.names import Folder, mailbox
from ccc.imap.opening import Manner, open_client
from ccc.imap.refusals import Refused, code_of, explained
from ccc.imap.uids import ascending, pieces, read, uid_set
from ccc.imap.wire import Bounds
from ccc.message.octets import Octets
from ccc.smtp.login import Keys
from ccc.transport.server import Server

if TYPE_CHECKING:
    from ccc.imap.client import Client, Record, Value

_Item = TypeVar("_Item")

LISTED = 8 << 20  # octets of all LIST responses: fifty thousand folders
FOUND = 8 << 20  # octets of a SEARCH response: a million UIDs
USUAL = Manner()
SEARCHING = 5.0  # times the usual patience: the server may read every message for it
_KEYWORD = re.compile(r"[^\s\x00-\x1f\x7f-\U0010ffff(){%*\"\\\]]+")  # RFC 3501, 9: flag-keyword
_PERMANENT = re.compile(rb"\[PERMANENTFLAGS \((?P<flags>.*?)\)\]", re.IGNORECASE)


class Selected(NamedTuple):
    """A folder that is examined; UIDs count under its UIDVALIDITY (RFC 3501, 2.3.1.1)."""

    folder: str
    uidvalidity: int
    exists: int
    uidnext: int


def connect(server: Server, keys: Keys | None, manner: Manner = USUAL) -> "Session":
    """A session with this server; credentials that it refuses are renewed, if they can be."""
    if keys is None:
        return Session(open_client(server, None, manner), server.name, manner)
    client = Login(keys).using(lambda credentials: open_client(server, credentials, manner))
    return Session(client, server.name, manner)


class Session:
    """One connection to a mail store, logged in."""

    def __init__(self, client: "Client", name: str, manner: Manner) -> None:
        self.name = name
        self._client = client
        self._manner = manner
        self._folders: tuple[Folder, ...] | None = None
        self._examined: Selected | None = None
        self._selected = ""  # for writing
        self._known: dict[str, int] = {}  # the UIDVALIDITY under which each folder was read

    @property
    def capabilities(self) -> frozenset[str]:
        """What the server says it can do, in capitals."""
        return self._client.offered

    @property
    def lost(self) -> bool:
        """The connection has ended, as far as can be known without asking."""
        return self._client.wire.ended

    def folders(self) -> tuple[Folder, ...]:
        """All folders; asked once."""
        if self._folders is None:
            special = {"LIST-EXTENDED", "SPECIAL-USE"} <= self.capabilities
            command = b'LIST "" "*"' + (b" RETURN (SPECIAL-USE)" if special else b"")  # RFC 6154, 2
            try:
                self._client.run(command, Bounds(room=LISTED))
            except Refused as refused:
                raise explained(refused, "cannot list the folders", "look at it in a mail client") from None
            listed = (self._listed(parts) for parts in self._client.responses("LIST"))
            self._folders = tuple(sorted(listed, key=lambda each: each.name))
        return self._folders

    def find_special(self, use: str) -> str | None:
        r"""The folder for a use, such as \Sent (RFC 6154, 2): by its attribute, else by its name."""
        return names.find(self.folders(), use)

    def special(self, use: str) -> str:
        """The same. SourceError if there is none."""
        found = self.find_special(use)
        if found is None:
            raise SourceError(
                f"{self.name} has no folder that is marked or named as {use.lstrip(chr(92))}",
                f"name the folder: {names.near('', self.folders())}",
            )
        return found

    def examine(self, folder: str) -> Selected:
        """Look at a folder, read-only (RFC 3501, 6.3.2). SourceError if there is no such folder."""
        said = mailbox(folder)
        self._examined, self._selected = None, ""
        try:
            self._client.run(b"EXAMINE " + said)
        except Refused as refused:
            raise self._closed(refused, f"cannot open folder {folder!r}", folder) from None
        self._examined = selected = self._opened(folder)
        if self._known.setdefault(folder, selected.uidvalidity) != selected.uidvalidity:
            raise _renumbered(folder, self._known.pop(folder), selected.uidvalidity)
        return selected

    def search(self, criteria: str) -> tuple[int, ...]:
        """The UIDs of the messages in the examined folder that fit, ascending. UsageError for no search."""
        keys = search.search_keys(criteria)
        self._look()
        foreign = any(not isinstance(key, bytes) for key in keys)
        command = b"UID SEARCH " + (b"CHARSET UTF-8 " if foreign else b"")  # RFC 3501, 6.4.4
        bounds = Bounds(line=FOUND, room=FOUND, patience=SEARCHING)
        try:
            self._client.run((command, *keys), bounds)
        except Refused as refused:
            if refused.status == "NO" and refused.code.name not in ("", "BADCHARSET"):
                raise explained(refused, "cannot search", "try again later") from None
            raise search.refused(criteria, refused.text, keys) from None
        found = array("L")
        try:
            for said in self._client.untagged("SEARCH"):
                found.extend(read(_line(said)))
        except ValueError:
            self._client.wire.broken("the IMAP server's answer to a search is no list of UIDs")
        return ascending(found)

    def briefs(self, uids: Sequence[int]) -> tuple[Brief, ...]:
        """What these messages are like, ascending by UID; those that are not there are left out."""
        self._look()
        return tuple(self._asking(briefs(self._client, ascending(uids))))

    def fetch(self, wanted: Sequence[Brief]) -> Iterator[tuple[Brief, Octets | SourceError | MessageError]]:
        """The octets of these messages in their order, or why there are none for us."""
        folder = self._look()
        for each in self._asking(bodies(self._client, wanted, self._manner.max_size)):
            yield each
            self._look(folder)  # others may have used the session meanwhile

    def summaries(self, uids: Sequence[int]) -> tuple[Summary, ...]:
        """What a list shows of these messages, ascending by UID; the text is not yet made visible."""
        self._look()
        return tuple(self._asking(summaries(self._client, ascending(uids))))

    def mark(self, folder: str, uids: Sequence[int], keyword: str) -> bool:
        """Set a keyword; False if the folder keeps no such one. RefusedError, SourceError."""
        if not _KEYWORD.fullmatch(keyword):
            raise UsageError(f"{keyword!r} is no keyword of IMAP", "write e.g. $Forwarded")
        try:
            if not self._select(folder, keyword):
                return False
            for group in pieces(ascending(uids), len(uids)):
                self._client.run(b"UID STORE %b +FLAGS.SILENT (%b)" % (uid_set(group), keyword.encode()))
        except Refused as refused:
            what = f"cannot mark messages in folder {folder!r}"
            if refused.command == "SELECT":
                raise self._closed(refused, what, folder) from None
            raise explained(refused, what, "see your rights to it in a mail client") from None
        return True

    def append(
        self,
        folder: str,
        content: Sendable,
        *,
        flags: Sequence[str] = (),
        received: float | None = None,
        before_last: Callable[[], None] | None = None,
    ) -> Appended:
        """Put a message into a folder; `before_last` is called before the octets that make it whole."""
        return append(self._client, folder, content, flags, received, before_last)

    def noop(self) -> None:
        """Ask the server whether it is there."""
        with suppress(Refused):
            self._client.run(b"NOOP")

    def close(self) -> None:
        """Say goodbye."""
        if not self.lost:
            with suppress(CccError):
                self._client.log_out()
        self._client.wire.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _look(self, folder: str = "") -> str:
        """Have this folder examined, or else the one that was last: `mark` may have selected another one."""
        if self._examined is None and not folder:
            raise TypeError("no folder is examined")
        folder = folder or (self._examined.folder if self._examined else "")
        if self._selected or self._examined is None or self._examined.folder != folder:
            self.examine(folder)
        return folder

    def _select(self, folder: str, keyword: str) -> bool:
        """Select a folder for writing, unless it is; whether it keeps this keyword."""
        self._selected = folder
        said = self._client.run(b"SELECT " + mailbox(folder))
        if code_of(said).name == "READ-ONLY":  # RFC 3501, 6.3.1
            return False
        permanent = next(
            (match for each in self._client.untagged("OK") if (match := _PERMANENT.match(_line(each)))), None
        )
        selected = self._opened(folder)
        known = self._known.get(folder, selected.uidvalidity)
        if known != selected.uidvalidity:
            raise _renumbered(folder, known, selected.uidvalidity)
        kept = permanent["flags"].lower().split() if permanent else [b"\\*"]
        return b"\\*" in kept or keyword.lower().encode() in kept  # RFC 3501, 7.1: PERMANENTFLAGS

    def _closed(self, refused: Refused, what: str, folder: str) -> CccError:
        """Why a folder cannot be opened, and which ones there are."""
        there: tuple[Folder, ...] = ()
        with suppress(CccError):
            there = self.folders()
        return explained(refused, what, names.near(folder, there), SourceError)

    def _opened(self, folder: str) -> Selected:
        """What the server said of a folder when it was opened (RFC 3501, 6.3.1)."""
        values = {name: self._number(name) for name in ("UIDVALIDITY", "UIDNEXT", "EXISTS")}
        if not values["UIDVALIDITY"]:
            raise SourceError(
                f"folder {folder!r} has no UIDVALIDITY, so nothing in it can be named for sure",
                "copy the message to another folder, or save it as a file",
            )
        return Selected(folder, values["UIDVALIDITY"], values["EXISTS"], values["UIDNEXT"])

    def _number(self, name: str) -> int:
        said = [_line(each).split(b" ")[0].rstrip(b"]") for each in self._client.untagged(name)]
        if not said:
            return 0
        if not said[-1].isdigit() or len(said[-1]) > 10:
            self._client.wire.broken(f"the IMAP server's {name} is no number")
        return int(said[-1])

    def _listed(self, parts: "tuple[Value, ...]") -> Folder:
        """A folder from a LIST response: attributes, hierarchy delimiter, name (RFC 3501, 7.2.2)."""
        attributes = parts[0] if len(parts) >= 3 else None
        name = parts[2] if len(parts) >= 3 else None
        if isinstance(name, int):  # an atom of digits
            name = b"%d" % name
        if not isinstance(attributes, tuple) or not isinstance(name, bytes):
            self._client.wire.broken("the IMAP server sent a LIST response that cannot be read")
        return names.folder(name, (each for each in attributes if isinstance(each, bytes)))

    def _asking(self, answers: Iterable[_Item]) -> Iterator[_Item]:
        """The same; a refusal becomes an error with a cure."""
        try:
            yield from answers
        except Refused as refused:
            raise explained(
                refused,
                "cannot read messages",
                "try again later, or look at them in a mail client",
                SourceError,
            ) from None


def _line(record: "Record") -> bytes:
    """The text of a response; a literal in it says nothing here."""
    return record if isinstance(record, bytes) else record[0]


def _renumbered(folder: str, known: int, found: int) -> SourceError:
    return SourceError(
        f"folder {folder!r} has got other UIDs: its UIDVALIDITY was {known} and is {found}",
        "look for the messages again: their numbers mean others now",
    )
