"""Names of folders: modified UTF-7 on the wire (RFC 3501, 5.1.3), text everywhere else; and their uses."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from ccc.errors import UsageError
from ccc.imap.words import quoted

USES: Final = frozenset({"\\All", "\\Archive", "\\Drafts", "\\Junk", "\\Sent", "\\Trash"})  # RFC 6154, 2
USUAL: Final = {  # what servers and clients call them where the server does not say
    "\\Sent": ("Sent", "Sent Items", "Sent Messages", "Sent Mail", "Gesendet", "Envoyés"),
    "\\All": ("All Mail", "[Gmail]/All Mail", "[Google Mail]/All Mail"),
    "\\Archive": ("Archive", "Archives", "Archiv"),
    "\\Drafts": ("Drafts", "Entwürfe", "Brouillons"),
    "\\Junk": ("Junk", "Spam", "Junk E-mail", "Bulk Mail"),
    "\\Trash": ("Trash", "Deleted Items", "Deleted Messages", "Papierkorb"),
}
SHOWN: Final = 8  # names of folders in an error
_UNSELECTABLE: Final = frozenset({"\\noselect", "\\nonexistent"})  # RFC 3501, 7.2.2; RFC 5258, 3


class Folder(NamedTuple):
    """One folder: its name as text, what it is for, and whether messages can be in it."""

    name: str
    uses: frozenset[str] = frozenset()
    selectable: bool = True


def mailbox(name: str) -> bytes:
    """A folder's name as it is said to a server. UsageError if it cannot be one."""
    if not name or any(char in name for char in "\r\n\0"):
        raise UsageError(
            f"folder {name!r}: this is no name of a folder", "write it as a mail client shows it"
        )
    from imapclient import imap_utf7  # type: ignore[import-untyped]  # it has no types

    try:
        return quoted(imap_utf7.encode(name))
    except UnicodeEncodeError:
        raise UsageError(f"folder {name!r}: the name is not UTF-8", "check the locale of the shell") from None


def text(name: bytes) -> str:
    """A folder's name as text; as it stands if it is not modified UTF-7."""
    from imapclient import imap_utf7

    try:
        return str(imap_utf7.decode(name))
    except ValueError:
        return name.decode("utf-8", "replace")


def folder(name: bytes, attributes: Iterable[bytes]) -> Folder:
    """A folder as LIST shows it."""
    found = {each.decode("ascii", "replace").lower() for each in attributes}
    uses = frozenset(use for use in USES if use.lower() in found)
    return Folder(text(name), uses, _UNSELECTABLE.isdisjoint(found))


def near(name: str, folders: Iterable[Folder]) -> str:
    """Advice for somebody who named a folder that is not there."""
    from difflib import get_close_matches

    there = [each.name for each in folders if each.selectable]
    close = get_close_matches(name, there, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    more = f" and {len(there) - SHOWN} more" if len(there) > SHOWN else ""
    return f"there are {', '.join(map(repr, there[:SHOWN]))}{more}" if there else "create it in a mail client"


def find(folders: Iterable[Folder], use: str) -> str | None:
    """The folder for this use: by what the server says, else by the usual names."""
    selectable = [each for each in folders if each.selectable]
    for each in selectable:
        if use in each.uses:
            return each.name
    known = {each.name.casefold(): each.name for each in selectable if not each.uses}
    for name in USUAL.get(use, ()):
        for form in (name, f"INBOX.{name}", f"INBOX/{name}"):
            if form.casefold() in known:
                return known[form.casefold()]
    return None
