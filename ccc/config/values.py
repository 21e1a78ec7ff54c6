"""How a value of the configuration file is read: a function for each kind, which says what is wrong with it.

An error names the key and never shows what may be a secret.
"""

import os
import re
from collections.abc import Callable, Sequence
from enum import Enum
from typing import NamedTuple, TypeVar

from ccc.address import Mailbox, parse_mailbox, parse_recipients
from ccc.duration import FORMS, duration
from ccc.errors import AddressError, ConfigurationError, UsageError
from ccc.visible import harmful

ACCOUNT_NAME = re.compile(r"[A-Za-z0-9._-]+")
WAYS = "mx, sendmail, sendmail:PATH, maildir:DIR, lmtp:HOST:PORT, lmtp:PATH or append:ACCOUNT/FOLDER"

_SHOWN = 60  # characters of a key or a value in an error
_FIELD_NAME = re.compile(r"[!-9;-~]+")  # RFC 5322, 2.2
_SHELL = re.compile(r"\||\|\||&&?|;|<|\d?>.*|~/.*|\$.*|`.*")  # words that only a shell understands
_WEB = re.compile(r"https://[^\s/@]+(?:/\S*)?|http://(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?(?:/\S*)?")
_TENANT = re.compile(r"[A-Za-z0-9.-]+")
_RESOLVER = re.compile(
    r"(?P<v4>[0-9.]+)(?::(?P<p4>\d{1,5}))?|\[(?P<v6>[0-9A-Fa-f:.]+)\]:(?P<p6>\d{1,5})|(?P<bare>[0-9A-Fa-f:.]+)"
)
KEPT_ELSEWHERE = (
    'keep it where only you can read it, and write  password_command = ["pass", "show", "mail/work"]  or  '
    'password_file = "~/.config/ccc/password"  instead'
)

E = TypeVar("E", bound=Enum)


class Said(NamedTuple):
    """A value of the file: its key, the tables that the key stands in, and what relative paths begin at."""

    key: str
    value: object
    tables: tuple[str, ...] = ()
    folder: str = ""  # of the file
    home: str = ""

    @property
    def name(self) -> str:
        """The key with its tables, as TOML has it: account.work.smtp."""
        return ".".join(map(_bare, (*self.tables, self.key)))

    def wrong(self, what: str, cure: str) -> ConfigurationError:
        """The error that says what the value is not."""
        return ConfigurationError(f"{self.name}: {shown(self.value)} {what}", cure)

    def bad(self, what: str, cure: str) -> ConfigurationError:
        """The same where the value is better not shown."""
        return ConfigurationError(f"{self.name}: {what}", cure)


def heading(account: str) -> str:
    """The heading of an account's table in the file: [account.work], [account."a.b"]."""
    return f"[account.{_bare(account)}]"


def _bare(key: str) -> str:
    """A key of TOML as part of a longer one: a dot in it needs quotes."""
    return f'"{key}"' if "." in key else key


def shown(value: object) -> str:
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


def near(name: str, known: Sequence[str], otherwise: str) -> str:
    """The one of the known names that may have been meant, or what else to say."""
    from difflib import get_close_matches

    found = get_close_matches(name[:_SHOWN], known, 1)
    return f"did you mean {found[0]}?" if found else otherwise


def text(said: Said) -> str:
    """A text that is not empty and that holds nothing but characters to be seen."""
    if not isinstance(said.value, str):
        raise said.wrong("is no text", f'write {said.key} = "…", in quotes')
    if not said.value:
        raise said.bad("it is empty", "give it a value, or leave it out")
    if any(map(harmful, said.value)):
        raise said.wrong("holds control characters", "write it without them")
    return said.value


def secret(said: Said) -> str:
    """A text that no error shows."""
    if not isinstance(said.value, str) or any(map(harmful, said.value)):
        raise said.bad("this is no text", f'write {said.key} = "…", in quotes')
    return said.value


def flag(said: Said) -> bool:
    """A boolean."""
    if isinstance(said.value, bool):
        return said.value
    raise said.wrong(
        "is neither true nor false", f"write {said.key} = true or {said.key} = false, without quotes"
    )


def length_of_time(said: Said) -> float:
    """The seconds of a number with a unit."""
    try:
        return duration(said.value if isinstance(said.value, str) else "")
    except ValueError as error:
        raise said.wrong(str(error), f"{FORMS}, in quotes") from error


def choice(said: Said, kind: type[E]) -> E:
    """One of a few words."""
    for each in kind:
        if said.value == each.value:
            return each
    words = [str(each.value) for each in kind]
    if len(words) == 2:
        either = " or ".join(f'{said.key} = "{word}"' for word in words)
        raise said.wrong(f"is neither {' nor '.join(words)}", f"write {either}")
    meant = said.value if isinstance(said.value, str) else ""
    one = f'write {said.key} = "{words[0]}", or another of these words'
    raise said.wrong(f"is none of {', '.join(words)}", near(meant, words, one))


def texts(said: Said) -> tuple[str, ...]:
    """A list of texts, or one text."""
    values = said.value if isinstance(said.value, list) else [said.value]
    return tuple(text(said._replace(value=value)) for value in values)


def mailbox(said: Said) -> Mailbox:
    """One address, with a name or without."""
    return _addresses(said, lambda given: (parse_mailbox(given),))[0]


def mailboxes(said: Said) -> tuple[Mailbox, ...]:
    """A list of addresses, or an address-list in one text."""
    given = [said._replace(value=value) for value in texts(said)]
    return tuple(each for one in given for each in _addresses(one, parse_recipients))


def _addresses(said: Said, parse: Callable[[str], tuple[Mailbox, ...]]) -> tuple[Mailbox, ...]:
    try:
        return parse(text(said))
    except AddressError as error:
        raise said.bad(
            error.what, 'write it as "name@example.org", or as "Name <name@example.org>"'
        ) from error


def command(said: Said) -> tuple[str, ...]:
    """A program and its arguments: a list, or a text that is split as a shell would; no shell runs it."""
    if isinstance(said.value, list):
        words = texts(said)
    else:
        words = _words(said)
        if strange := next((word for word in words if _SHELL.fullmatch(word)), ""):
            raise said.bad(
                f"no shell runs this, so {strange!r} would mean nothing",
                f'write {said.key} = ["sh", "-c", "…"] for a shell to run it',
            )
    if not words:
        raise said.bad("the command is empty", f'write {said.key} = ["PROGRAM", "ARGUMENT"]')
    return words


def _words(said: Said) -> tuple[str, ...]:
    import shlex

    try:
        return tuple(shlex.split(text(said)))
    except ValueError as error:
        raise said.bad(str(error).lower(), "close the quote, or write a list") from error


def path(said: Said) -> str:
    """A path: ~ is the user's home, and a relative one begins at the folder of the file."""
    return _place(said, text(said))


def _place(said: Said, given: str) -> str:
    if given == "~" or given.startswith("~/"):
        if not said.home:
            raise said.wrong("begins at your home folder, and nothing says where that is", "set HOME")
        return os.path.join(said.home, given[2:])
    return os.path.join(said.folder, given)


def submission(said: Said) -> str:
    """The URL of a submission server."""
    from ccc.transport.server import from_url

    return _server(said, lambda url: from_url(url, option=said.name))


def mailstore(said: Said) -> str:
    """The URL of an IMAP server."""
    from ccc.transport.server import imap_from_url

    return _server(said, lambda url: imap_from_url(url, option=said.name))


def _server(said: Said, parse: Callable[[str], object]) -> str:
    url = text(said._replace(value=said.value if isinstance(said.value, str) else None))
    user = url.rpartition("@")[0].partition("//")[2]
    if ":" in user or "%3a" in user.lower():
        raise said.bad("the URL holds a password", KEPT_ELSEWHERE)
    try:
        parse(url)
    except UsageError as error:
        raise ConfigurationError(error.what, error.cure) from error
    return url


def way(said: Said) -> str:
    """A way out, as --via takes it; paths in it begin where those of other keys do."""
    given = text(said)
    kind, colon, place = given.partition(":")
    match kind:
        case "mx" if not colon:
            return given
        case "sendmail" if bool(place) == bool(colon):
            return f"sendmail:{_place(said, place)}" if place else given
        case "maildir" if place:
            return f"maildir:{_place(said, place)}"
        case "lmtp" if place:
            return _lmtp(said, place)
        case "append" if ACCOUNT_NAME.fullmatch(place.partition("/")[0]):
            return given
    raise said.wrong("is no way out", f"write {WAYS}")


def _lmtp(said: Said, place: str) -> str:
    if "/" in place:
        return f"lmtp:{_place(said, place)}"
    from ccc.transport.server import lmtp_from

    try:
        lmtp_from(place)
    except UsageError as error:
        raise said.wrong("is neither lmtp:HOST:PORT nor lmtp:PATH", error.cure) from error
    return f"lmtp:{place}"


def greeting(said: Said) -> str:
    """A name that a server can be greeted with."""
    from ccc.smtp.commands import greets

    name = text(said)
    if not greets(name):
        raise said.wrong("is no host name", 'write it as "host.example.org" or "[192.0.2.1]"')
    return name


def fields(said: Said) -> tuple[str, ...]:
    """Names of header fields, or their beginnings with a star."""
    from ccc.message.leftout import fits

    names = texts(said)
    for name in names:
        one = said._replace(value=name)
        if not _FIELD_NAME.fullmatch(name):
            raise one.wrong(
                "is no name of a header field", f'write {said.key} = ["DKIM-Signature"], without a colon'
            )
        if fits("from", name.lower()):  # RFC 5322, 3.6
            raise one.wrong(
                "would leave out From, and no mail goes out without it", "leave it out of the list"
            )
    return names


def web(said: Said) -> str:
    """The URL of a token server, which sees secrets."""
    url = text(said)
    if not _WEB.fullmatch(url):
        raise said.wrong("is no https:// URL", "write it as the provider does")  # RFC 6749, 3.1 and 3.2
    return url


def tenant(said: Said) -> str:
    """What stands for the user's organization in Microsoft's URLs."""
    name = text(said)
    if not _TENANT.fullmatch(name):
        raise said.wrong("is no tenant", 'write its ID, or its domain as in "example.onmicrosoft.com"')
    return name


def scopes(said: Said) -> str:
    """The scopes of a token, in one text."""
    return " ".join(texts(said))  # RFC 6749, 3.3


def resolver(said: Said) -> str:
    """The address of a DNS server, with its port if that is not 53."""
    given = text(said)
    match = _RESOLVER.fullmatch(given)
    port = int((match["p4"] or match["p6"] or 53) if match else 0)
    if match and 0 < port < 65536:
        from ipaddress import ip_address

        try:
            ip_address(match["v4"] or match["v6"] or match["bare"])
        except ValueError:
            pass
        else:
            return given
    raise said.wrong(
        "is no address of a DNS server", 'write it as "127.0.0.1", "127.0.0.1:5353" or "[::1]:53"'
    )
