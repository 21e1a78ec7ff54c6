"""Where the tokens of an account lie: in the desktop's keyring, or in a file for the user alone.

A refresh token that is replaced is worth nothing any more, and one that is used twice ends the login at many
providers (RFC 6819, 5.2.2.3). So one run at a time asks for new tokens, under a lock; what comes back is on
the disk before it is used; and room for it is made before it is asked for.
"""

import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ccc.accounts.oauth.tokens import Tokens, read
from ccc.config.account import Account
from ccc.config.state import make_folder, state_folder, sync
from ccc.errors import ConfigurationError, NotPermitted, StateError, TryLaterError

if TYPE_CHECKING:
    from ccc.transport.interrupts import Interrupts

MOST = 1 << 17  # octets of a file of tokens
ROOM = 1 << 14  # octets that are made sure of before new tokens are asked for
PATIENCE = 60.0  # seconds to wait for another run, twice as long as it may take

_STEP = 0.05  # seconds between two looks at the lock


class Store:
    """The tokens of one account."""

    def __init__(
        self,
        account: Account,
        environ: Mapping[str, str],
        attended: bool = False,
        interrupts: "Interrupts | None" = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._account = account
        self._environ = environ
        self._attended = attended
        self._interrupts = interrupts
        self._sleep = sleep

    @property
    def file(self) -> Path:
        """The file; it exists where the keyring does not hold the tokens."""
        from urllib.parse import quote

        folder = state_folder(self._environ, "the tokens of a login")
        return folder / "tokens" / f"{quote(self._account.name, safe='')}.json"

    def load(self) -> Tokens | None:
        """What is kept, if it is for this client; a file goes before the keyring.

        NotPermitted if there is no file and the keyring cannot be reached.
        """
        text = self._text()
        if text is None:
            text = self._ring("get")
        found = read(text) if text else None
        return found if found and found.is_for(self._account.oauth) else None

    def keep(self, tokens: Tokens, draft: "Draft", *, in_file: bool | None = None) -> bool:
        """Put them on the disk, or into the keyring; whether they are in the file then.

        None: where the others are. What the keyring does not take goes into the file: nothing may be lost.
        """
        if in_file is None:
            in_file = self.file.exists()
        if not in_file:
            try:
                self._ring("put", tokens.written())
            except NotPermitted:
                in_file = True
            else:
                with self._guarded():
                    remove(self.file)
                return False
        with self._guarded():
            draft.become(tokens.written())
        with suppress(NotPermitted):
            self._ring("delete")
        return True

    def delete(self) -> bool:
        """Forget them, wherever they are; whether there were any. A keyring out of reach has none."""
        with self.locked():
            with self._guarded():
                there = remove(self.file)
            try:
                return self._ring("delete") is not None or there
            except NotPermitted:
                return there

    @contextmanager
    def locked(self) -> Iterator["Draft"]:
        """Nobody else changes them meanwhile; gives room for what will be kept."""
        with self._guarded():
            self._prepare()
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            lock = os.open(self.file.with_suffix(".lock"), flags, 0o600)
        try:
            self._wait_for(lock)
            with self._guarded():
                draft = Draft(self.file)
            try:
                yield draft
            finally:
                draft.drop()
        finally:
            os.close(lock)

    def _wait_for(self, lock: int) -> None:
        """Take the lock; TryLaterError if another run does not give it up."""
        deadline = time.monotonic() + PATIENCE
        while not _taken(lock):
            if time.monotonic() > deadline:
                raise TryLaterError(
                    f"another ccc has been getting a token for account {self._account.name} for a minute",
                    "run it again later",
                )
            self._sleep(_STEP)

    def _ring(self, verb: str, text: str = "") -> str | None:
        """Ask the keyring."""
        from ccc.accounts import keyring

        service, user = f"ccc:{self._account.name}", f"oauth:{login_of(self._account)}"
        plaintext = self._account.allow_plaintext_keyring
        manner = keyring.Manner(self._environ, self._attended, plaintext, self._interrupts)
        match verb:
            case "get":
                return keyring.get(service, user, manner)
            case "put":
                keyring.put(service, user, text, manner)
                return ""
            case _:
                return "" if keyring.delete(service, user, manner) else None

    def _prepare(self) -> None:
        """The folder, closed to others; StateError if they can change what is in it."""
        folder = self.file.parent
        make_folder(folder)
        for each in (folder, folder.parent):
            status = each.stat()
            if status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                raise StateError(
                    f"others can change the folder {str(each)!r}, so no token is kept in it",
                    "make it your own and chmod 700 it, or name another folder in CCC_STATE_DIR",
                )

    def _text(self) -> str | None:
        """What the file holds; None if there is none. ConfigurationError if others can read it."""
        try:
            descriptor = os.open(self.file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unread(error.strerror or str(error)) from error
        status = os.fstat(descriptor)
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
                raise self._unread("it is no file of yours")
            if status.st_mode & 0o077:
                raise self._unread(f"others can read it (mode {stat.S_IMODE(status.st_mode):04o})")
            return file.read(MOST).decode("utf-8", "replace")

    def _unread(self, why: str) -> ConfigurationError:
        return ConfigurationError(
            f"the tokens of account {self._account.name} in {self.file} are not used: {why}",
            f"chmod 600 the file, or remove it and run: ccc account login {self._account.name}",
        )

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """An OSError in here becomes a StateError."""
        try:
            yield
        except OSError as problem:
            raise StateError(
                f"the tokens of account {self._account.name} cannot be kept in {str(self.file.parent)!r}: "
                f"{problem.strerror}",
                "make room there, or name another folder in CCC_STATE_DIR",
            ) from problem


class Draft:
    """A file beside `path`, with room for what will take its place."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._own = path.with_suffix(".new")  # one that a run left behind is used again
        remove(self._own)
        self._file = os.open(self._own, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            _write(self._file, bytes(ROOM))
            os.fsync(self._file)
        except OSError:
            self.drop()
            raise

    def become(self, text: str) -> None:
        """Take its place, with this text, durably."""
        os.lseek(self._file, 0, os.SEEK_SET)
        _write(self._file, text.encode())
        os.ftruncate(self._file, len(text.encode()))
        os.fsync(self._file)
        self._own.rename(self._path)
        sync(self._path.parent)

    def drop(self) -> None:
        """Leave nothing behind, unless it has taken its place."""
        os.close(self._file)
        with suppress(OSError):
            self._own.unlink(missing_ok=True)


def login_of(account: Account) -> str:
    """Who logs in: the user of its servers, else its address."""
    from ccc.transport.server import from_url, imap_from_url

    if account.smtp and (user := from_url(account.smtp).user):
        return user
    if account.imap and (user := imap_from_url(account.imap).user):
        return user
    return account.address.addr_spec if account.address else ""


def remove(path: Path) -> bool:
    """Remove a file durably; whether it was there."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    sync(path.parent)
    return True


def _write(descriptor: int, octets: bytes) -> None:
    rest = memoryview(octets)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _taken(lock: int) -> bool:
    """Whether the lock is ours now."""
    import fcntl

    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
