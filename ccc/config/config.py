"""The configuration file: the one door to it, and the one place that knows its keys.

It is optional. Without one, ccc pays a single failed open; TOML is read, and the module for it imported, only
where there is a file. A file that says anything that ccc does not understand is refused as a whole, since a
mail must not go out under half of the rules that its owner wrote down.
"""

import os
import stat
from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

from ccc.duration import FORMS, duration
from ccc.errors import ConfigurationError

MOST = 1 << 20  # octets of a configuration file

_SHOWN = 60  # characters of a key or a value in an error
_DAY = 86400.0


class InDoubt(Enum):
    """What becomes of a mail that may or may not have arrived."""

    HOLD = "hold"  # it waits for the user's word
    RESEND = "resend"  # it is sent again, as a mail server would do


class Config(NamedTuple):
    """What the user decided for every run; each field is a key of the file."""

    in_doubt: InDoubt = InDoubt.HOLD
    retry_for: float = 5 * _DAY  # seconds
    journal_subjects: bool = False


def read_config(path: str | None, environ: Mapping[str, str]) -> Config:
    """The configuration in `path` (--config), else in the file that the environment leads to.

    Only a file that nobody named may be missing. Raises ConfigurationError.
    """
    named = path if path is not None else environ.get("CCC_CONFIG") or None
    place = _usual_place(environ) if named is None else named
    try:
        octets = _octets_of(place)
    except (FileNotFoundError, NotADirectoryError) as error:
        if named is None:
            return Config()
        raise ConfigurationError(
            f"there is no configuration file {place}", "check its name, in --config or CCC_CONFIG"
        ) from error
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ConfigurationError(
            f"the configuration file {place} cannot be read: {why}",
            "check its permissions, or name another file with --config or CCC_CONFIG",
        ) from error
    return _config(octets, place)


def _usual_place(environ: Mapping[str, str]) -> str:
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


def _config(octets: bytes, path: str) -> Config:
    """The configuration that these octets spell."""
    table = _table(octets, path)
    config = Config()
    try:
        for key, value in table.items():
            config = _with(config, key, value)
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error.what}", error.cure) from error
    return config


def _table(octets: bytes, path: str) -> dict[str, object]:
    import tomllib

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
            'write each line as in retry_for = "5d", with words in quotes',
        ) from error
    except ValueError as error:  # Python's limit to the digits of a number
        raise ConfigurationError(f"{path}: a number has too many digits", "shorten it") from error
    except RecursionError as error:
        raise ConfigurationError(
            f"{path}: a list or table is nested too deeply", "no key needs one"
        ) from error


def _with(config: Config, key: str, value: object) -> Config:
    """The configuration with one key more."""
    match key:
        case "in_doubt":
            return config._replace(in_doubt=_in_doubt(value))
        case "retry_for":
            return config._replace(retry_for=_retry_for(value))
        case "journal_subjects":
            return config._replace(journal_subjects=_journal_subjects(value))
    raise ConfigurationError(f"there is no key {_said(key)}", _near(key))


def _in_doubt(value: object) -> InDoubt:
    for each in InDoubt:
        if value == each.value:
            return each
    raise ConfigurationError(
        f"in_doubt: {_said(value)} is neither hold nor resend",
        'write in_doubt = "hold" or in_doubt = "resend"',
    )


def _retry_for(value: object) -> float:
    try:
        return duration(value if isinstance(value, str) else "")
    except ValueError as error:
        raise ConfigurationError(f"retry_for: {_said(value)} {error}", f"{FORMS}, in quotes") from error


def _journal_subjects(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise ConfigurationError(
        f"journal_subjects: {_said(value)} is neither true nor false",
        "write journal_subjects = true or journal_subjects = false, without quotes",
    )


def _said(value: object) -> str:
    """A key or a value, for an error: a text as it is, all else by what it is."""
    match value:
        case str():
            return repr(value if len(value) <= _SHOWN else f"{value[:_SHOWN]}…")
        case bool():
            return str(value).lower()
        case int() | float():
            return "a bare number"
        case list():
            return "a list"
        case dict():
            return "a table"
        case _:
            return "a date or a time"


def _near(key: str) -> str:
    """The key that may have been meant, or all of them."""
    from difflib import get_close_matches

    near = get_close_matches(key[:_SHOWN], Config._fields, 1)
    return f"did you mean {near[0]}?" if near else f"the keys are {', '.join(Config._fields)}"
