"""The configuration file as a file: where it is looked for, whether it may be trusted, and its TOML.

It is optional. Without one, ccc pays a single failed open. A file that somebody else could have written is
refused, since what stands in it is run.
"""

import os
import stat
from collections.abc import Mapping
from typing import NamedTuple

from ccc.errors import ConfigurationError

MOST = 1 << 20  # octets of a configuration file
_TWICE = ("Cannot overwrite", "Cannot declare", "Cannot mutate", "Duplicate")  # as tomllib begins


class Found(NamedTuple):
    """A configuration file: its path, as it was named, and what it holds."""

    path: str
    octets: bytes


def find(path: str | None, environ: Mapping[str, str]) -> Found | None:
    """The file in `path` (--config), else the one that the environment leads to.

    Only a file that nobody named may be missing. Raises ConfigurationError.
    """
    named = path if path is not None else environ.get("CCC_CONFIG") or None
    place = usual_place(environ) if named is None else named
    try:
        return Found(place, _octets_of(place))
    except (FileNotFoundError, NotADirectoryError) as error:
        if named is None:
            return None
        raise ConfigurationError(
            f"there is no configuration file {place}", "check its name, in --config or CCC_CONFIG"
        ) from error
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ConfigurationError(
            f"the configuration file {place} cannot be read: {why}",
            "check its permissions, or name another file with --config or CCC_CONFIG",
        ) from error


def place_of(named: str | None, environ: Mapping[str, str]) -> str:
    """Where the file is, whether it is there or not: as --config names it, else as find() looks for it."""
    return named or environ.get("CCC_CONFIG") or usual_place(environ)


def usual_place(environ: Mapping[str, str]) -> str:
    """Where the file is if nobody names one."""
    folder = environ.get("XDG_CONFIG_HOME", "")
    if not os.path.isabs(folder):  # XDG Base Directory Specification: a relative path is ignored
        folder = os.path.join(home(environ) or "/nonexistent", ".config")  # hier(7)
    return os.path.join(folder, "ccc", "config.toml")


def home(environ: Mapping[str, str]) -> str:
    """The user's home, which a mail server that starts a pipe may not name; "" if there is none."""
    named = environ.get("HOME", "")
    if os.path.isabs(named):
        return named
    from pwd import getpwuid

    try:
        found = getpwuid(os.geteuid()).pw_dir
    except KeyError:
        return ""
    return found if os.path.isabs(found) else ""


def table_of(found: Found) -> dict[str, object]:
    """The keys and values that the octets of a file spell."""
    import tomllib

    path, octets = found
    try:
        return tomllib.loads(octets.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(
            f"{path}, line {line}: it is not UTF-8", "store the file as UTF-8"
        ) from error
    except tomllib.TOMLDecodeError as error:
        what, _, place = str(error).rpartition(" (at ")  # as tomllib ends all of them
        raise ConfigurationError(
            f"{path}, {place.rstrip(')')}: {what[:1].lower()}{what[1:]}",
            "it stands there twice: leave one of them out"
            if what.startswith(_TWICE)
            else 'write each line as in retry_for = "5d", with words in quotes',
        ) from error
    except ValueError as error:  # Python's limit to the digits of a number
        raise ConfigurationError(f"{path}: a number has too many digits", "shorten it") from error
    except RecursionError as error:
        raise ConfigurationError(
            f"{path}: a list or table is nested too deeply", "no key needs one"
        ) from error


def _octets_of(path: str) -> bytes:
    """What the file holds, if it is one that only its user could have written."""
    # O_NONBLOCK: a pipe without a writer would otherwise wait for one (open(2))
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        _check(os.fstat(descriptor), path)
        octets = b""
        while more := os.read(descriptor, MOST + 1 - len(octets)):
            octets += more
    finally:
        os.close(descriptor)
    if len(octets) > MOST:
        raise ConfigurationError(
            f"the configuration file {path} has more than {MOST >> 20} MiB", "check that it is the right file"
        )
    return octets


def _check(status: os.stat_result, path: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        what = "a folder" if stat.S_ISDIR(status.st_mode) else "no regular file"
        raise ConfigurationError(f"the configuration file {path} is {what}", "name a file of text")
    if status.st_uid not in (0, os.geteuid()):
        raise ConfigurationError(
            f"the configuration file {path} belongs to another user, who can change it",
            "use a copy of your own",
        )
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise ConfigurationError(
            f"other users can change the configuration file {path}", f"run: chmod go-w {_quoted(path)}"
        )


def _quoted(path: str) -> str:
    from shlex import quote

    return quote(path)
