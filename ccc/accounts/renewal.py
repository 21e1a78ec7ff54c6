"""The credentials of a run's sessions: those that are in use, and others when they will not do any more.

Whoever logs in, to send, to read or to try it, does so by this, so that all ask equally often for others.
"""

import time
from collections.abc import Callable
from typing import TypeVar

from ccc.errors import CccError, LoginRefused
from ccc.smtp.login import Credentials, Held, Keys, Password, Token

_Session = TypeVar("_Session")

MOST = 3  # times that others are tried for one session


class Login:
    """Who logs in to a server, for as many sessions as a run needs."""

    def __init__(self, credentials: Credentials | Keys) -> None:
        if isinstance(credentials, Password | Token):
            credentials = Held(credentials)
        self._keys: Keys = credentials
        self._next: Credentials | None = None
        self._used: Credentials | None = None
        self._left = MOST

    def credentials(self) -> Credentials:
        """What the next session begins with."""
        self._used, self._next = self._next or self._keys.credentials(), None
        return self._used

    def using(self, attempt: Callable[[Credentials], _Session]) -> _Session:
        """What an attempt to log in gives; with others for as long as they are refused and there are some."""
        while True:
            try:
                return attempt(self.credentials())
            except LoginRefused:
                if not self._renewed():
                    raise

    def _renewed(self) -> bool:
        """The server refused them: whether there are others for the next try."""
        self._left -= 1
        self._next = self._keys.renewed() if self._left >= 0 else None
        return self._next is not None

    def expired(self) -> bool:
        """The server ended the session: whether that was for a token at its end, and there is another one."""
        used = self._used
        if not isinstance(used, Token) or (used.expires is not None and time.time() < used.expires):
            return False
        try:
            self._next = self._keys.renewed()
        except CccError:  # what ended the session has the last word
            return False
        self._left = MOST
        return self._next is not None
