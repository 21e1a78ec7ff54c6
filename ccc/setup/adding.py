"""An account put into the configuration file: appended, never rewritten.

The file is its user's, with comments and an order of their own. What it will say is read back before a single
octet is written, so that ccc never leaves a file that it cannot read.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from ccc.config import Config
from ccc.config.account import Account
from ccc.config.file import Found, find, place_of
from ccc.config.reading import config_of
from ccc.config.state import make_folder, sync
from ccc.errors import ConfigurationError, StateError, UsageError
from ccc.setup.draft import Draft

NOWHERE = "/nonexistent/"  # where usual_place() is for a user without a home


class Addition(NamedTuple):
    """What will be appended to a file that holds `before`, and what the file says then."""

    path: str
    before: bytes | None  # None if there is no file yet
    octets: bytes
    config: Config
    account: Account


class Book(NamedTuple):
    """The configuration file as it is now."""

    found: Found
    exists: bool
    config: Config

    @classmethod
    def open(cls, path: str | None, environ: Mapping[str, str]) -> "Book":
        """The file that the user names, or else the usual one; it need not be there yet."""
        place = place_of(path, environ)
        if place.startswith(NOWHERE):
            raise ConfigurationError(
                "there is no home folder for a configuration file", "name one with --config"
            )
        found = find(place, environ) if os.path.lexists(place) else None
        there = found or Found(place, b"")
        return cls(there, found is not None, config_of(there, environ))

    def refuse_name(self, name: str) -> None:
        """Raise UsageError if there is such an account."""
        if name in self.config.accounts:
            raise UsageError(
                f"there is an account {name} in {self.found.path} already",
                "choose another name with --name, or change the file with an editor",
            )

    def with_account(self, draft: Draft, environ: Mapping[str, str]) -> Addition:
        """The addition; UsageError or ConfigurationError if the file could not be read with it."""
        self.refuse_name(draft.name)
        if draft.default and self.config.default:
            raise UsageError(
                f"--default: {self.found.path} says default = {self.config.default!r} already",
                "change that line with an editor, and leave --default out",
            )
        if draft.default and self.config.accounts:  # TOML 1.0, "Table": keys of the file stand above tables
            raise UsageError(
                f"--default: that line stands above all accounts, and {self.found.path} is only appended to",
                f'write  default = "{draft.name}"  on top of it with an editor, and leave --default out',
            )
        before = self.found.octets
        gap = b"" if not before else b"\n" if before.endswith(b"\n") else b"\n\n"
        octets = gap + "".join(f"{line}\n" for line in draft.lines()).encode()
        config = config_of(Found(self.found.path, before + octets), environ)
        account = config.accounts[draft.name]
        return Addition(self.found.path, before if self.exists else None, octets, config, account)


def append(addition: Addition) -> None:
    """Append it, and have it on the disk; StateError if that cannot be, and then the file is as it was."""
    import fcntl

    with _guarded(addition.path):
        path = Path(os.path.abspath(addition.path))
        make_folder(path.parent)
        new = os.O_EXCL if addition.before is None else 0
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | new
        descriptor = os.open(path, flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            _append(descriptor, addition)
        finally:
            os.close(descriptor)
        if new:
            sync(path.parent)


def _append(descriptor: int, addition: Addition) -> None:
    before = addition.before or b""
    if os.pread(descriptor, len(before) + 1, 0) != before:
        raise StateError(
            f"{addition.path} was changed while you were asked", "nothing was written; run it again"
        )
    try:
        rest = memoryview(addition.octets)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    except BaseException:
        with suppress(OSError):
            os.ftruncate(descriptor, len(before))
        raise


@contextmanager
def _guarded(path: str) -> Iterator[None]:
    try:
        yield
    except FileExistsError:
        raise StateError(
            f"{path} came into being while you were asked", "nothing was written; run it again"
        ) from None
    except OSError as error:
        raise StateError(
            f"{path} cannot be written: {error.strerror}",
            "name another file with --config, or make it writable",
        ) from error
