"""The places of a password: a file descriptor, a command, a file, a systemd credential.

In each the first line counts, as UTF-8. What a place holds is in no error: those name the place, what is
wrong with it and the next step.
"""

import os
import stat
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ccc.accounts.child import MOST, run
from ccc.errors import ConfigurationError, NotPermitted, UsageError

if TYPE_CHECKING:
    from ccc.transport.interrupts import Interrupts

PATIENCE = 60.0  # seconds for a command that nobody watches
ATTENDED = 300.0  # seconds for one that may be asking somebody at a terminal


def from_descriptor(descriptor: int) -> str:
    """The secret that a file descriptor of ours gives (--password-fd)."""
    octets = b""
    try:
        while b"\n" not in octets and len(octets) <= MOST and (more := os.read(descriptor, 4096)):
            octets += more
    except OSError as error:
        raise UsageError(
            f"--password-fd {descriptor}: {error.strerror}",
            f"open it, as in: ccc ... --password-fd {descriptor} {descriptor}< FILE",
        ) from error
    return first_line(octets, f"file descriptor {descriptor}")


def from_file(path: str) -> str:
    """The secret in a file that nobody else can read (password_file)."""
    try:
        # O_NONBLOCK: a pipe without a writer would otherwise wait for one (open(2))
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ConfigurationError(
            f"the password file {path} cannot be read: {why}", "check password_file, and who may read it"
        ) from error
    try:
        _check(os.fstat(descriptor), path)
        octets = os.read(descriptor, MOST + 1)
    finally:
        os.close(descriptor)
    return first_line(octets, f"the password file {path}")


def _check(status: os.stat_result, path: str) -> None:
    """Raise ConfigurationError for a file that others may have read or written."""
    if not stat.S_ISREG(status.st_mode):
        what = "a folder" if stat.S_ISDIR(status.st_mode) else "no regular file"
        raise ConfigurationError(
            f"the password file {path} is {what}", "name a file of text, or use password_command"
        )
    if status.st_uid not in (0, os.geteuid()):
        raise ConfigurationError(
            f"the password file {path} belongs to another user", "use a file of your own"
        )
    if status.st_mode & 0o077:
        from shlex import quote

        raise ConfigurationError(
            f"other users can read or change the password file {path} "
            f"(mode {stat.S_IMODE(status.st_mode):04o})",
            f"run: chmod 600 {quote(path)}",
        )


def from_credential(name: str, environ: Mapping[str, str]) -> str | None:
    """The secret that systemd hands to a service under this name (LoadCredential=), if there is one.

    Its modes are systemd's business: it gives access by a list, which looks like the group's.
    """
    folder = environ.get("CREDENTIALS_DIRECTORY", "")  # systemd.exec(5)
    if not os.path.isabs(folder) or "/" in name:
        return None
    try:
        descriptor = os.open(os.path.join(folder, name), os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ConfigurationError(
            f"the systemd credential {name} cannot be read: {error.strerror}",
            "check LoadCredential= and User= in the unit",
        ) from error
    try:
        octets = os.read(descriptor, MOST + 1)
    except OSError as error:
        raise ConfigurationError(
            f"the systemd credential {name} cannot be read: {error.strerror}", "let it be a file"
        ) from error
    finally:
        os.close(descriptor)
    return first_line(octets, f"the systemd credential {name}")


def from_command(
    command: Sequence[str],
    environ: Mapping[str, str],
    *,
    attended: bool = False,
    seconds: float | None = None,
    interrupts: "Interrupts | None" = None,
    what: str = "password",
) -> str:
    """The secret that a command prints (password_command; `what` is "token" for a token_command).

    It is run without a shell, and its standard error is ours, so that the user sees why it fails. Interrupted
    if a signal comes meanwhile.
    """
    origin = f"the {what} command {command[0]}"
    limit = seconds if seconds is not None else ATTENDED if attended else PATIENCE
    try:
        status, printed = run(command, _with_tty(environ), limit, interrupts=interrupts)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise NotPermitted(
            f"{origin} cannot be run: {why}",
            "it is a program and its arguments, without a shell; under cron name it with its whole path",
        ) from error
    if len(printed) > MOST:
        raise NotPermitted(f"{origin} printed more than {MOST >> 10} KiB", f"that is no {what}")
    if status is None:
        raise NotPermitted(
            f"{origin} did not end within {limit:g} seconds",
            "run it by hand: it may be waiting for somebody",
        )
    if status:
        how = f"status {status}" if status > 0 else f"signal {-status}"
        raise NotPermitted(f"{origin} failed with {how}", "run it by hand to see why")
    return first_line(printed, origin, what)


def _with_tty(environ: Mapping[str, str]) -> Mapping[str, str]:
    """The environment, with the terminal where gpg may ask: it looks at standard input, which is not one."""
    named = environ.get("GPG_TTY", "")
    if os.path.isabs(named):
        return environ
    kept = {name: value for name, value in environ.items() if name != "GPG_TTY"}  # "not a tty", from tty(1)
    try:
        return {**kept, "GPG_TTY": os.ttyname(2)}
    except OSError:
        return kept


def first_line(octets: bytes, origin: str, what: str = "password") -> str:
    """The first line as text; NotPermitted if there is none or it is not UTF-8."""
    line, end, _ = octets.partition(b"\n")
    if not end and len(line) > MOST:
        raise NotPermitted(f"{origin} gave a line of more than {MOST >> 10} KiB", f"that is no {what}")
    try:
        secret = line.rstrip(b"\r").decode("utf-8-sig")
    except UnicodeDecodeError:
        raise not_utf8(origin, what) from None  # it holds the secret
    if not secret:
        raise NotPermitted(f"{origin} gave no {what}", "it is the first line that counts")
    return secret


def not_utf8(origin: str, what: str = "password") -> NotPermitted:
    """The error for a secret that cannot be said in a login."""
    return NotPermitted(f"{origin} gave a {what} that is not UTF-8", "store it as UTF-8")  # RFC 4616, 2
