"""Picking mails from a table: key by key where the terminal takes that, else by their numbers."""

import os
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ccc.cli import keys
from ccc.cli.listing import table
from ccc.cli.shelf import Found, Shelf, row, search_of
from ccc.cli.terminal import asked, say
from ccc.errors import Declined, RefusedError, SourceError, UsageError
from ccc.visible import visible

if TYPE_CHECKING:
    from rich.console import Group

    from ccc.imap import Summary

LOWEST, NARROWEST = 12, 60  # lines and columns of a terminal that keys need
FRAME = 8  # lines of it that are no mails
HELP = "space marks · enter goes on · / searches · q leaves"
_NUMBERS = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9}))?")


def takes_keys() -> bool:
    """Whether the terminal can draw a table again and again."""
    columns, lines = os.get_terminal_size(2)
    roomy = columns >= NARROWEST and lines >= LOWEST
    return roomy and os.environ.get("TERM", "") not in ("", "dumb", "unknown")


def by_key(shelf: Shelf, search: str, found: Found, limit: int, color: str) -> tuple[int, ...]:
    """The UIDs of the mails that are marked, or of the one under the cursor; Declined if q is pressed."""
    from ccc.cli.render import console, redrawn

    screen = console(color)
    with keys.Keyboard() as keyboard, redrawn(screen) as draw:

        def show(picker: Picker) -> None:
            draw(drawn(picker, os.get_terminal_size(2).lines - FRAME))

        picker = Picker(shelf, search, found, limit, show)
        while not picker.done:
            show(picker)
            picker.press(keyboard.key())
        return picker.uids


class Picker:
    """What is seen, marked and typed; `show` is called before what takes time."""

    def __init__(
        self, shelf: Shelf, search: str, found: Found, page: int, show: "Callable[[Picker], None]"
    ) -> None:
        self.shelf = shelf
        self.mails, self.more = found
        self.at = 0
        self.top = 0
        self.marked: set[int] = set()
        self.typed: str | None = None  # what is looked for, while it is typed
        self.note = ""
        self.done = False
        self._search = search
        self._page = page
        self._window = 1
        self._show = show

    @property
    def uids(self) -> tuple[int, ...]:
        """What is picked, in the order of the folder."""
        return tuple(sorted(self.marked)) or (self.mails[self.at].uid,)

    def press(self, key: str) -> None:
        """What a key does."""
        self.note = ""
        if self.typed is not None:
            self._type(key, self.typed)
            return
        to = self._target(key)
        if to is not None:
            self._move(to)
        match key:
            case " ":
                self.marked ^= {self.mails[self.at].uid}
                self._move(self.at + 1)
            case "/":
                self.typed = ""
            case keys.ENTER:
                self.done = True
            case "q":
                raise Declined("nothing was picked")

    def window(self, height: int) -> "Sequence[Summary]":
        """The mails that are seen in so many lines, with the cursor among them."""
        self._window = max(height, 1)
        self.top = min(max(self.top, self.at - self._window + 1), self.at)
        return self.mails[self.top : self.top + self._window]

    def _target(self, key: str) -> int | None:
        """Where a key moves the cursor to; None if that is not what it does."""
        match key:
            case keys.UP | "k":
                return self.at - 1
            case keys.DOWN | "j":
                return self.at + 1
            case keys.PAGE_UP:
                return self.at - self._window
            case keys.PAGE_DOWN:
                return self.at + self._window
            case keys.HOME | "g":
                return 0
            case keys.END | "G":
                return len(self.mails) - 1
            case _:
                return None

    def _move(self, to: int) -> None:
        """Move the cursor; beyond the last mail more of them are fetched."""
        if to >= len(self.mails) and self.more:
            self._look(self._search, len(self.mails) + self._page)
        self.at = min(max(to, 0), len(self.mails) - 1)

    def _type(self, key: str, typed: str) -> None:
        """What a key does while a search is typed."""
        match key:
            case keys.ENTER:
                self.typed = None
                self._look_for(typed)
            case keys.ESCAPE:
                self.typed = None
            case keys.BACKSPACE:
                self.typed = typed[:-1] if typed else None
            case keys.CLEAR:
                self.typed = ""
            case _ if len(key) == 1:
                self.typed = typed + key

    def _look_for(self, typed: str) -> None:
        try:
            search = search_of((typed,))
            if self._look(search, self._page):
                self.at = self.top = 0
                self._search = search
            else:
                self.note = "nothing was found"
        except (UsageError, RefusedError, SourceError) as error:
            self.note = str(error)

    def _look(self, search: str, limit: int) -> bool:
        """Look on the server; False if it finds nothing, and all stays as it is."""
        self.note = "searching …"
        self._show(self)
        self.note = ""
        found = self.shelf.find(search, limit)
        if found.mails:
            self.mails, self.more = found
        return bool(found.mails)


def drawn(picker: Picker, height: int) -> "Group":
    """The table and the lines below it, for the terminal."""
    from ccc.cli.render import mail_table

    window = picker.window(height)
    sent = picker.shelf.sent
    rows = [(row(mail, sent=sent), mail.uid in picker.marked) for mail in window]
    people = "To" if sent else "From"
    return mail_table(picker.shelf.name, rows, picker.at - picker.top, _foot(picker), people)


def _foot(picker: Picker) -> tuple[str, str]:
    """Where we are, and what can be done or is typed."""
    marked = f", {len(picker.marked)} marked" if picker.marked else ""
    place = f"{picker.at + 1} of {len(picker.mails)}{' or more' * picker.more}{marked}"
    if picker.typed is not None:
        return place, f"search: {picker.typed}▏"
    return place, picker.note or HELP


def by_number(shelf: Shelf, found: Found, limit: int) -> tuple[int, ...]:
    """The UIDs of the mails whose numbers are typed; Declined if q is, or nothing more."""
    mails = found.mails
    _print(shelf, mails)
    while True:
        answer = asked("Which ones? (such as 1,3-5; /WORDS looks for others, q leaves) ").strip()
        if answer.lower() in ("q", "quit"):
            raise Declined("nothing was picked")
        try:
            if not answer.startswith("/"):
                return tuple(sorted(mails[number - 1].uid for number in numbers(answer, len(mails))))
            if others := shelf.find(search_of((answer[1:],)), limit).mails:
                mails = others
                _print(shelf, mails)
            else:
                say("nothing was found")
        except (UsageError, RefusedError, SourceError) as error:
            say(str(error))


def numbers(text: str, most: int) -> frozenset[int]:
    """The numbers from 1 to `most` that are written as in 1,3-5; UsageError if there are none."""
    found: set[int] = set()
    for part in re.split(r"[,\s]+", text.strip(", \t")):
        match = _NUMBERS.fullmatch(part)
        if not match:
            raise UsageError(f"{part!r} is no number" if part else "no number was typed", "write 2, or 1,3-5")
        first, last = int(match[1]), int(match[2] or match[1])
        if not 1 <= first <= last <= most:
            raise UsageError(f"{part} is none of these mails", f"they go from 1 to {most}")
        found.update(range(first, last + 1))
    return frozenset(found)


def _print(shelf: Shelf, mails: "Sequence[Summary]") -> None:
    """The table with numbers, as wide as the terminal."""
    width = max(os.get_terminal_size(2).columns - 1, 40)
    digits = len(str(len(mails)))
    say(shelf.name)
    rows = [(f" {number:>{digits}}", row(mail, sent=shelf.sent)) for number, mail in enumerate(mails, 1)]
    for line in table(rows, "to " if shelf.sent else ""):
        say(visible(line)[:width])
