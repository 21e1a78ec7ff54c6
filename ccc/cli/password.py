"""Where the password for --smtp comes from: a file descriptor, a command, or a prompt at a terminal.

Never from an option, whose value every user of the machine can read. Accounts will add further places.
"""

import os

from ccc.cli.terminal import has_terminal
from ccc.errors import Declined, NotPermitted, UsageError
from ccc.visible import visible

MOST = 4096  # octets of a password, far more than any has


def password_for(login: str, descriptor: int | None, command: tuple[str, ...] | None) -> str:
    """The password of `login`. Raises NotPermitted if there is none and nobody can be asked."""
    if descriptor is not None:
        octets = _read(descriptor)
        origin = f"file descriptor {descriptor}"
    elif command:
        octets = _output_of(command)
        origin = f"the password command {command[0]}"
    else:
        return _prompted(login)
    secret = _first_line(octets, origin)
    if not secret:
        raise NotPermitted(f"{origin} gave no password", "it is the first line that counts")
    return secret


def _first_line(octets: bytes, origin: str) -> str:
    try:
        return octets.partition(b"\n")[0].rstrip(b"\r").decode()
    except UnicodeDecodeError:
        raise _not_utf8(origin) from None  # it holds the password


def _not_utf8(origin: str) -> NotPermitted:
    return NotPermitted(f"{origin} gave a password that is not UTF-8", "store it as UTF-8")  # RFC 4616, 2


def _read(descriptor: int) -> bytes:
    octets = b""
    try:
        while b"\n" not in octets and len(octets) < MOST:
            more = os.read(descriptor, MOST)
            if not more:
                break
            octets += more
    except OSError as error:
        raise UsageError(
            f"--password-fd {descriptor}: {error.strerror}",
            f"open it, as in: ccc ... --password-fd {descriptor} {descriptor}< FILE",
        ) from error
    return octets


def _output_of(command: tuple[str, ...]) -> bytes:
    import subprocess

    try:
        # Its standard input is not ours: that may be the message.
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False, timeout=None
        )
    except OSError as error:
        raise NotPermitted(
            f"the password command {command[0]} cannot be run: {error.strerror}",
            "--password-command takes a program and its arguments, no shell",
        ) from error
    if done.returncode:
        raise NotPermitted(
            f"the password command {command[0]} failed with status {done.returncode}",
            "run it by hand to see why",
        )
    return done.stdout


def _prompted(login: str) -> str:
    if not has_terminal():
        raise NotPermitted(
            f"no password for {login}, and nobody can be asked for it",
            'use --password-command "pass show mail", or --password-fd 3 3< FILE',
        )
    import getpass

    try:
        secret = getpass.getpass(f"Password for {visible(login)}: ")
        secret.encode()
    except EOFError:
        raise Declined("no password, nothing was sent") from None
    except UnicodeError:
        raise _not_utf8("the terminal") from None
    if not secret:
        raise Declined("no password, nothing was sent")
    return secret
