"""What lies in a folder of a mailbox, newest first, and which of it is looked for; for `list` and `pick`.

Nothing is made harmless here: that is done where it is printed.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from ccc.cli.moments import shown
from ccc.receipt import SCHEMA

if TYPE_CHECKING:
    from ccc.config import Config
    from ccc.config.account import Account
    from ccc.imap import Session, Summary

_FLAGS = (("A", "\\answered"), ("F", "\\flagged"), ("P", "$forwarded"), ("T", "\\draft"), ("D", "\\deleted"))
LETTERS = "N not read, A answered, F flagged, P passed on, T draft, D deleted"
ALL = "ALL"  # the search that finds all
_AHEAD = 8  # so many times the UIDs that are wanted are looked through before the whole folder is


class Found(NamedTuple):
    """The newest that fit, the newest first, and whether there are more."""

    mails: "tuple[Summary, ...]"
    more: bool


class Row(NamedTuple):
    """A mail on one line."""

    when: str
    flags: str
    size: str
    who: str
    subject: str


class Shelf:
    """A folder, opened for reading."""

    def __init__(self, session: "Session", account: str, folder: str) -> None:
        self._session = session
        self._selected = session.examine(folder)
        self._known: dict[int, Summary] = {}
        self.account = account
        self.sent = folder.upper() != "INBOX" and folder == session.find_special("\\Sent")

    @property
    def folder(self) -> str:
        """Its name."""
        return self._selected.folder

    @property
    def uidvalidity(self) -> int:
        """Under which its UIDs count (RFC 3501, 2.3.1.1)."""
        return self._selected.uidvalidity

    @property
    def name(self) -> str:
        """What it is, for people."""
        return f"{self.folder} of {self.account}, UIDVALIDITY {self.uidvalidity}"

    def source(self, uid: int) -> str:
        """What `ccc redirect` calls a mail of this folder."""
        return f"imap:{uid}" if self.folder.upper() == "INBOX" else f"imap:{self.folder}/{uid}"

    def find(self, search: str, limit: int) -> Found:
        """The newest `limit` mails that a search finds."""
        uids = self._uids(search, limit)
        newest = uids[-limit:]
        unknown = [uid for uid in newest if uid not in self._known]
        if unknown:
            self._known.update({each.uid: each for each in self._session.summaries(unknown)})
        # What was deleted meanwhile has no summary.
        mails = tuple(self._known[uid] for uid in reversed(newest) if uid in self._known)
        return Found(mails, len(uids) > limit)

    def _uids(self, search: str, limit: int) -> tuple[int, ...]:
        if search != ALL:
            return self._session.search(search)
        first = max(1, self._selected.uidnext - _AHEAD * limit)
        newest = self._session.search(f"UID {first}:*")
        return newest if first == 1 or len(newest) > limit else self._session.search(ALL)


def search_of(query: Sequence[str]) -> str:
    """The IMAP search that a query is or means.

    It is one if it begins with a search key in capitals, as in `FROM boss SINCE 2026-11-01`. Else it is plain
    words, each of which stands in From, To or Subject.
    """
    from ccc.imap.search import ALONE, FOLLOWED

    words = " ".join(query).split()
    if not words:
        return ALL
    first = words[0].lstrip("(")
    if first in ALONE or first in FOLLOWED:
        # An argument of the shell that holds blanks was quoted there, and is a string here too.
        return query[0].strip() if len(query) == 1 else " ".join(map(_argument, query))
    return " ".join(f"OR FROM {it} OR TO {it} SUBJECT {it}" for it in map(_quoted, words))


def row(mail: "Summary", *, sent: bool = False) -> Row:
    """A mail for eyes, with its author; or, among mails that were sent, with those in To."""
    return Row(_when(mail), flags(mail), octets(mail.size), mail.to if sent else mail.author, mail.subject)


def flags(mail: "Summary") -> str:
    """Its flags as LETTERS says."""
    have = {flag.lower() for flag in mail.flags}
    unread = "" if "\\seen" in have else "N"
    return unread + "".join(letter for letter, flag in _FLAGS if flag in have)


def octets(size: int) -> str:
    """A number of octets, in few characters."""
    if size < 1000:
        return f"{size} B"
    for unit in ("kB", "MB"):
        size = (size + 500) // 1000
        if size < 1000:
            return f"{size} {unit}"
    return f"{(size + 500) // 1000} GB"


def as_json(mail: "Summary", shelf: Shelf) -> dict[str, object]:
    """A mail for `--json`, schema 1; its `source` is one for `redirect`."""
    from ccc.sources.names import name_of

    return {
        "schema": SCHEMA,
        "account": shelf.account,
        "folder": shelf.folder,
        "uidvalidity": shelf.uidvalidity,
        "uid": mail.uid,
        "source": name_of(shelf.folder, shelf.uidvalidity, mail.uid),
        "date": mail.date,
        "received": mail.received,
        "from": mail.author,
        "to": mail.to,
        "subject": mail.subject,
        "message_id": mail.message_id,
        "flags": list(mail.flags),
        "size": mail.size,
    }


def store_of(config: "Config", named: str | None) -> "Account":
    """The account whose mailbox is looked at: -a, else the default."""
    from ccc.accounts.choose import choose, undecided

    account = choose(config, named=named, fetched_from=None, authors=())
    if account is None:
        raise undecided(config, "no account says where the mailbox is")
    return account


def folder_of(session: "Session", named: str | None, *, sent: bool) -> str:
    """The folder that is named, else INBOX or the one for sent mail."""
    return named or (session.special("\\Sent") if sent else "INBOX")


def _when(mail: "Summary") -> str:
    """When the server got it, in local time; else its Date as it stands."""
    if mail.received is None:
        return mail.date
    try:
        return shown(mail.received)
    except (ValueError, OverflowError, OSError):  # no calendar has such a year
        return mail.date


def _argument(word: str) -> str:
    """A word of a search that the shell has taken apart."""
    plain = word and not any(char in " \"'\\" for char in word)
    return word if plain or word.startswith(("(", '"')) else _quoted(word)


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
