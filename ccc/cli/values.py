"""What the values of options mean: address-lists, @FILE, one address, a command, numbers, delivery reports.

Each function is a click callback. A value that is not what it should be is a UsageError that names the
option and the place.
"""

import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from ccc.address import Mailbox, parse_mailbox, parse_recipients
from ccc.delivery import Dsn
from ccc.errors import AddressError, UsageError

ADDRESS_CURE = "write it as name@example.org, or as Name <name@example.org>"
DSN_CURE = "use never, or any of success,failure,delay; full or headers; envid=ID"
DSN_WORDS = {
    "never": "NEVER",  # RFC 3461, 4.1
    "success": "SUCCESS",
    "failure": "FAILURE",
    "delay": "DELAY",
    "full": "FULL",  # RFC 3461, 4.3
    "headers": "HDRS",
}
LONGEST_ENVID = 100  # RFC 3461, 4.4
LARGEST_FILE = 64 << 20  # octets of an @FILE


def addresses(_ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> tuple[Mailbox, ...]:
    """Everybody whom a repeatable option names, in address-lists and in @FILEs."""
    return tuple(mailbox for value in values for mailbox in _listed(value, param.opts[0]))


def address(_ctx: click.Context, param: click.Parameter, value: str | None) -> Mailbox | None:
    """Exactly one address."""
    if value is None:
        return None
    with _naming(param.opts[0]):
        return parse_mailbox(value)


def command_line(_ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    """A program and its arguments, split as a shell would; it is run without one."""
    if value is None:
        return None
    import shlex

    try:
        words = tuple(shlex.split(value))
    except ValueError as error:
        raise UsageError(f"{param.opts[0]}: {str(error).lower()}", "close the quote") from error
    if not words:
        raise UsageError(f"{param.opts[0]}: the command is empty", "name a program")
    return words


def given(_ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Something; nothing is what a shell variable that is not set leaves."""
    if value == "":
        raise UsageError(f"{param.opts[0]}: its value is empty", "give one, or leave the option out")
    return value


def once(_ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> str | None:
    """Something that is given once: a second one would silently take the place of the first."""
    if len(values) > 1:
        cure = "write 42,50:60" if param.name == "imap_uid" else "write 'OR FROM ann FROM bob'"
        raise UsageError(f"{param.opts[0]} is given {len(values)} times", cure)
    return given(_ctx, param, values[0]) if values else None


def number(
    kind: type[int] | type[float], least: float, name: str, most: float = sys.float_info.max
) -> Callable[[click.Context, click.Parameter, str | None], float | None]:
    """A callback for a number from `least` to `most`."""

    def convert(_ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
        if value is None:
            return None
        try:
            found = kind(value)
        except ValueError:
            found = -1
        if not least <= found <= most:
            raise UsageError(f"{param.opts[0]}: {value!r} is no {name}", f"write a number from {least:g} on")
        return found

    return convert


def greeting(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    """A name that a server can be greeted with (RFC 5321, 4.1.1.1)."""
    if value:
        from ccc.smtp.commands import greets

        if not greets(value):
            raise UsageError(
                f"--helo: {value!r} is no host name", "write it as host.example.org or [192.0.2.1]"
            )
    return value


def reports(_ctx: click.Context, _param: click.Parameter, value: str | None) -> Dsn | None:
    """The delivery reports asked for (RFC 3461, 4), in words joined by commas."""
    if value is None:
        return None
    envid, asked = "", []
    for word in (each.strip() for each in value.split(",")):
        if word.lower().startswith("envid="):
            envid = _envid(word[len("envid=") :])
        elif word.lower() in DSN_WORDS:
            asked.append(DSN_WORDS[word.lower()])
        else:
            raise UsageError(f"--dsn: there is no word {word!r}", DSN_CURE)
    ret = [word for word in asked if word in ("FULL", "HDRS")]
    notify = tuple(dict.fromkeys(word for word in asked if word not in ret))
    if len(ret) > 1 or ("NEVER" in notify and len(notify) > 1):  # RFC 3461, 4.1
        raise UsageError("--dsn: some of these words exclude each other", DSN_CURE)
    return Dsn(notify, ret[0] if ret else "", envid)


def _listed(value: str, option: str) -> Iterator[Mailbox]:
    if value.startswith("@"):
        yield from _listed_in(value[1:], option)
        return
    with _naming(option):
        yield from parse_recipients(value)


def _listed_in(path: str, option: str) -> Iterator[Mailbox]:
    try:
        lines = _octets_of(path).decode("utf-8-sig").split("\n")
    except (OSError, ValueError) as error:
        why = "it is not UTF-8" if isinstance(error, UnicodeError) else getattr(error, "strerror", error)
        raise UsageError(
            f"{option} @{path}: the file cannot be read: {why}", "an @FILE has one address on each line"
        ) from error
    for place, line in enumerate((line.rstrip("\r") for line in lines), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            with _naming(f"{option} @{path}, line {place}"):
                yield from parse_recipients(line)


def _octets_of(path: str) -> bytes:
    """What a regular file holds; a pipe or a device could keep us waiting for ever."""
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("it is no regular file")
        octets = file.read(LARGEST_FILE + 1)
    if len(octets) > LARGEST_FILE:
        raise ValueError(f"it has more than {LARGEST_FILE >> 20} MiB")
    return octets


def _envid(text: str) -> str:
    if not 0 < len(text) <= LONGEST_ENVID or not all("!" <= char <= "~" for char in text):
        raise UsageError(
            f"--dsn: {text!r} is no envelope id", f"use up to {LONGEST_ENVID} printable ASCII characters"
        )
    return text


@contextmanager
def _naming(place: str) -> Iterator[None]:
    """Put the place in front of what is wrong with an address."""
    try:
        yield
    except AddressError as error:
        raise UsageError(f"{place}: {error.what}", error.cure or ADDRESS_CURE) from error
