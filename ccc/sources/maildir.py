"""Maildirs (maildir(5)): a folder with cur/ and new/, and files whose names say how they lie there.

Nothing is moved or marked: a message in new/ stays new. Another program may rename a file while ccc
reads, to change its flags; the part of its name before ":2," stays the same, and it is found by that.
"""

import os
import re
from collections.abc import Iterator
from functools import partial

from ccc.errors import SourceError
from ccc.message.message import Filed, Message, read
from ccc.sources.files import FileOctets
from ccc.sources.item import Item

_INFO = re.compile(r"[:;!]2,(?P<letters>[^/]*)\Z")  # ":" cannot be in a name everywhere
_TIME = re.compile(r"(?P<seconds>[0-9]{9,11})\.(?:.*?M(?P<part>[0-9]{1,9}))?")
_FLAGS = {
    "D": "\\Draft",
    "F": "\\Flagged",
    "P": "$Forwarded",  # "passed": resent, forwarded or bounced
    "R": "\\Answered",
    "S": "\\Seen",
    "T": "\\Deleted",
}
_PARTS = ("cur", "new")
_TRIES = 3  # a file that is renamed again and again, while it is looked for, counts as gone


class MaildirOctets(FileOctets):
    """The octets of a file in a Maildir, under whatever name it has now."""

    __slots__ = ()

    @property
    def filed(self) -> Filed:
        """Its flags, and when it was delivered."""
        letters = _INFO.search(self.name)
        flags = tuple(_FLAGS[letter] for letter in letters["letters"] if letter in _FLAGS) if letters else ()
        return Filed(flags, self._received())

    def _received(self) -> float:
        time = _TIME.match(os.path.basename(self.name))
        return float(time["seconds"]) if time else self._identity[3] / 1e9

    def _opened(self) -> int:
        for _ in range(_TRIES):
            try:
                return super()._opened()
            except FileNotFoundError:
                self.name = _now(self.name) or self.name
        return super()._opened()


def maildir_octets(name: str) -> FileOctets:
    """The octets of a file, which is in a Maildir if the folders around it look like one."""
    folder, part = os.path.split(os.path.dirname(os.path.abspath(name)))
    return MaildirOctets(name) if part in _PARTS and is_maildir(folder) else FileOctets(name)


def is_maildir(folder: str) -> bool:
    """Whether there are cur/ and new/."""
    return all(os.path.isdir(os.path.join(folder, part)) for part in _PARTS)


def folder_items(folder: str) -> Iterator[Item]:
    """The messages of a Maildir in the order in which they came. Raises SourceError."""
    if not is_maildir(folder):
        _refuse_part(folder)
        FileOctets(folder)  # says that it is a folder
    names = sorted(_names(folder), key=_arrival)
    return (Item(name, partial(_read, name)) for name in names)


def _refuse_part(folder: str) -> None:
    """Raise SourceError for cur, new or tmp, whose files are read by way of the folder around them."""
    whole, part = os.path.split(os.path.abspath(folder))
    if part in (*_PARTS, "tmp") and is_maildir(whole):
        around, named = os.path.split(folder.rstrip("/"))
        name = (around or ".") if named == part else whole
        raise SourceError(f"{folder!r} is a part of a Maildir", f"name the Maildir: {name}")


def _read(name: str) -> Message:
    octets = MaildirOctets(name)
    try:
        return read(octets, octets.name)._replace(filed=octets.filed)
    finally:
        octets.close()


def _names(folder: str) -> Iterator[str]:
    """What lies in new/ and then in cur/: what is moved meanwhile goes that way."""
    seen = set()
    for part in reversed(_PARTS):
        place = os.path.join(folder, part)
        for name in _listed(place):
            unique = _unique(name)
            if unique not in seen and not name.startswith("."):
                seen.add(unique)
                yield os.path.join(place, name)


def _listed(place: str) -> list[str]:
    try:
        return os.listdir(place)
    except OSError as problem:
        raise SourceError(
            f"{place!r} cannot be read: {problem.strerror}", "check its permissions"
        ) from problem


def _arrival(name: str) -> tuple[float, int, str]:
    base = os.path.basename(name)
    time = _TIME.match(base)
    if time:
        return float(time["seconds"]), int(time["part"] or 0), base
    try:
        return os.stat(name).st_mtime, 0, base
    except OSError:  # it is gone, or has another name now
        return 0.0, 0, base


def _unique(name: str) -> str:
    """The part of a name that stays when its flags change."""
    return _INFO.sub("", name)


def _now(name: str) -> str | None:
    """The name that a file has now; None if it is gone."""
    parts, base = os.path.split(name)
    unique = _unique(base)
    for part in _PARTS:
        place = os.path.join(os.path.dirname(parts), part)
        for found in _listed(place):
            if _unique(found) == unique:
                return os.path.join(place, found)
    return None
