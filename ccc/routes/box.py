"""A folder of the user's own mailbox into which messages go: by --via append, and as copies of what was sent.

It stands behind sessions that may fall. One that fell before the last octets of a message is opened anew,
once: the server has nothing of that message. One that was idle is asked for a sign of life first: what goes
out over a session that the server has ended would be in doubt for nothing.
"""

import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ccc.delivery import Sendable, Watched
from ccc.errors import CccError, LinkLost
from ccc.message.header import Header, parse, separator_at
from ccc.message.lines import LF, unified
from ccc.message.message import Filed

if TYPE_CHECKING:
    from ccc.imap import Session

Connect = Callable[[], "Session"]  # the session of the moment: the one that is open, else a new one

IDLE: Final = 5.0  # seconds after which a server may have lost its patience

_NAME: Final = re.compile(r'<[^\x00-\x20\x7f-\U0010ffff"\\<>]+>')  # of a message, harmless in a search
_NOT_KEPT: Final = ("\\deleted", "\\recent")  # what is put there is there to stay; RFC 9051, 2.3.2


class Box:
    """A folder, and the session to its server; `closed` says that no session can be opened any more."""

    def __init__(self, connect: Connect, folder: str) -> None:
        self.folder = folder
        self.closed = False
        self._connect = connect
        self._session: Session | None = None
        self._used = 0.0  # when it was known to be alive

    def open(self) -> "Session":
        """The session: the one that is open, else a new one."""
        session = self._session
        if session is not None and time.monotonic() - self._used < IDLE and not session.lost:
            return session
        session = self._connected()
        try:
            session.noop()  # it may have been open for a long time
        except LinkLost:
            session = self._connected()
        self._session, self._used = session, time.monotonic()
        return session

    def _connected(self) -> "Session":
        try:
            return self._connect()
        except CccError:
            self.closed = True
            raise

    def put(
        self, content: Sendable, filed: Filed, before_last: Callable[[], None] = lambda: None
    ) -> int | None:
        """Append a content, and call `before_last` before its last octets go; its UID if the server tells."""
        last_was_near = False

        def near() -> None:
            nonlocal last_was_near
            last_was_near = True
            before_last()

        try:
            return self._put(content, filed, near)
        except LinkLost:
            if last_was_near:
                raise
        return self._put(content, filed, near)

    def find(self, content: Sendable) -> int | None:
        """The UID of the newest message of the folder that has the names and the size of this one."""
        names = _names(content)
        if not names:
            return None
        session = self.open()
        session.examine(self.folder)
        same = f"UNDELETED LARGER {content.size - 1} SMALLER {content.size + 1}"  # RFC 9051, 6.4.4
        found = session.search(" ".join((same, *(f'HEADER {key} "{name}"' for key, name in names))))
        return max(found, default=None)

    def _put(self, content: Sendable, filed: Filed, before_last: Callable[[], None]) -> int | None:
        flags = tuple(flag for flag in filed.flags if flag.lower() not in _NOT_KEPT)
        appended = self.open().append(
            self.folder, content, flags=flags, received=filed.received, before_last=before_last
        )
        self._used = time.monotonic()
        return appended.uid


def _names(content: Sendable) -> tuple[tuple[str, str], ...]:
    """Message-ID and topmost Resent-Message-ID; none if one of them could not stand in a search."""
    plain = content.content if isinstance(content, Watched) else content  # nothing goes out now
    head = unified(next(plain.blocks(), b""), LF)
    end = separator_at(head)
    header = Header(parse(head if end < 0 else head[:end]))
    keys = ("Message-ID", "Resent-Message-ID")
    fields = ((key, header.first(key.lower())) for key in keys)
    names = tuple((key, field.text.strip()) for key, field in fields if field)
    return names if all(_NAME.fullmatch(name) for _, name in names) else ()
