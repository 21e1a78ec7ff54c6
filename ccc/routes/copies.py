"""What is left behind in the user's own mailbox when a message has gone out: a copy of it, and a mark.

The message has been sent by then. So nothing that fails here says that it may be sent again, and nothing
stops the messages that come after it.
"""

from contextlib import suppress
from typing import Final

from ccc.delivery import Sendable
from ccc.errors import CccError, NotRecordedError, SourceError
from ccc.message.message import Filed, Origin
from ccc.routes.box import Box, Connect

FORWARDED: Final = "$Forwarded"  # RFC 9051, 2.3.2
AT_ONCE: Final = 500  # messages that are marked in one go

_SEEN: Final = ("\\Seen",)
_DO_NOT_REPEAT: Final = "do not send it again"


class SentCopies:
    """The folder that keeps what was sent."""

    def __init__(self, connect: Connect, folder: str) -> None:
        self._box = Box(connect, folder)
        self._closed: CccError | None = None  # why no session could be opened: another try would take as long

    def keep(self, content: Sendable, flags: tuple[str, ...] = _SEEN) -> None:
        """Put a copy of what was sent into the folder; NotRecordedError."""
        try:
            if self._closed is not None:
                raise self._closed
            self._box.put(content, Filed(flags))
        except CccError as error:
            self._closed = error if self._box.closed else None
            raise _no_copy(f"the copy in {self._box.folder} failed: {error.what}") from error


def sent_folder(connect: Connect) -> str | None:
    """The name of the folder for what was sent; None if the mailbox has none. NotRecordedError."""
    try:
        return connect().find_special("\\Sent")  # RFC 6154, 2
    except CccError as error:
        raise _no_copy(f"no copy was kept: {error.what}") from error


def _no_copy(what: str) -> NotRecordedError:
    return NotRecordedError(f"it was sent, but {what}", _DO_NOT_REPEAT)


class Marks:
    """The marks of what was passed on, where the originals lie in the mailbox of one account.

    They are made many at once; what cannot be marked then is tried once more in the end.
    """

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._waiting: dict[tuple[str, int], set[int]] = {}  # UIDs by folder and its UIDVALIDITY
        self._without: dict[str, None] = {}  # folders that keep no keywords

    def note(self, origin: Origin) -> None:
        """The message that lies there was passed on to somebody."""
        place = origin.folder, origin.uidvalidity
        waiting = self._waiting.setdefault(place, set())
        waiting.add(origin.uid)
        if len(waiting) % AT_ONCE == 0:
            with suppress(CccError):
                self._write(place)

    def write(self) -> tuple[str, ...]:
        """Mark what was noted; the folders that keep no such mark.

        If something fails, the first error comes when everything has been tried.
        """
        errors: list[CccError] = []
        for place in tuple(self._waiting):
            try:
                self._write(place)
            except CccError as error:
                errors.append(error)
        if errors:
            raise errors[0]
        return tuple(self._without)

    def _write(self, place: tuple[str, int]) -> None:
        folder, uidvalidity = place
        if folder not in self._without:
            session = self._connect()
            now = session.examine(folder).uidvalidity
            if now != uidvalidity:
                raise SourceError(
                    f"nothing was marked in {folder}: its UIDVALIDITY is {now} and no longer {uidvalidity}",
                    "the server has numbered its messages anew, so mark by hand what was passed on",
                )
            if not session.mark(folder, sorted(self._waiting[place]), FORWARDED):
                self._without[folder] = None
        del self._waiting[place]
