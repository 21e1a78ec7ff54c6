"""Accounts whose submission server was caught mailing the people in the header, by `ccc doctor --canary`.

A mark is a file in the state folder that names the server, so it ends when the account gets another one. What
cannot be read counts as a mark: nobody is mailed behind the user's back because of a broken disk.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ccc.config.account import Account
from ccc.config.state import make_folder, state_folder, sync
from ccc.config.values import heading
from ccc.errors import NotPermitted, StateError

FOLDER = "marks"
MOST = 1024  # octets of a mark


def marked(account: Account, environ: Mapping[str, str]) -> bool:
    """Whether nothing may go out by this account: by its mark, or by its own word."""
    if not account.honours_envelope:
        return True
    if not account.smtp:
        return False
    try:
        place = _place(account, environ)
    except StateError:
        if environ.get("CCC_STATE_DIR"):  # it is named wrongly: a mark may lie elsewhere
            raise
        return False  # where there can be no folder, nothing was ever marked
    try:
        with open(place, "rb") as file:
            return file.read(MOST).decode("utf-8", "replace").strip() == _server(account)
    except FileNotFoundError:
        return False
    except OSError:
        return True


def refusal(account: Account) -> NotPermitted:
    """The error that a marked account ends with."""
    look = f"`ccc doctor {account.name} --canary`"
    return NotPermitted(
        f"account {account.name}: {_server(account)} mails the people in To and Cc, not only those you name",
        f"use another server; {look} looks again whether it still does"
        if account.honours_envelope
        else f"use another server; or, once {look} has seen one copy alone, take honours_envelope = false "
        f"out of {heading(account.name)}",
    )


def mark(account: Account, environ: Mapping[str, str]) -> None:
    """Mark it, on the disk; StateError if that cannot be."""
    with _guarded(account):
        place = _place(account, environ)
        make_folder(place.parent)
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, f"{_server(account)}\n".encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        sync(place.parent)


def unmark(account: Account, environ: Mapping[str, str]) -> bool:
    """Take the mark away; whether there was one."""
    with _guarded(account):
        try:
            _place(account, environ).unlink()
        except FileNotFoundError:
            return False
    return True


def _place(account: Account, environ: Mapping[str, str]) -> Path:
    from urllib.parse import quote

    folder = state_folder(environ, "what is known of a server")
    return folder / FOLDER / f"{quote(account.name, safe='')}.mark"


def _server(account: Account) -> str:
    from ccc.transport.server import from_url

    return from_url(account.smtp).name


@contextmanager
def _guarded(account: Account) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StateError(
            f"the mark of account {account.name} cannot be written: {error.strerror}",
            f"write  honours_envelope = false  into {heading(account.name)} instead",
        ) from error
