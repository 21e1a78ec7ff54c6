"""What a domain says of MTA-STS (RFC 8461): the record that there is a policy, and the policy itself.

Both are octets from strangers. What is not well formed is no record, or a NotAPolicy that says why; unknown
keys are passed over, as the standard has it, so that it can grow.
"""

import re
from collections.abc import Iterable
from enum import Enum
from typing import Final, NamedTuple

from ccc.transport.tlsa import covers

MOST_AGE: Final = 31557600  # seconds, a year: RFC 8461, 3.2
LONGEST: Final = 64 << 10  # octets of a policy: RFC 8461, 3.3

_BEGIN = re.compile(rb"v=STSv1[ \t]*;")
_PAIR = re.compile(rb"([A-Za-z0-9][A-Za-z0-9_.-]{0,31})=([\x21-\x3a\x3c\x3e-\x7e]+)")  # RFC 8461, 3.1
_ID = re.compile(rb"[A-Za-z0-9]{1,32}")
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}", re.ASCII)  # RFC 8461, 3.2
_CONTROL = re.compile(r"[\0-\x1f\x7f]")
_AGE = re.compile(r"[0-9]{1,10}", re.ASCII)
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = re.compile(rf"(?:\*\.)?(?:{_LABEL}\.)*{_LABEL}", re.ASCII)


class Mode(Enum):
    """What a policy asks of those who send."""

    ENFORCE = "enforce"
    TESTING = "testing"
    NONE = "none"


class Policy(NamedTuple):
    """A policy: which hosts are the domain's, and for how many seconds it holds."""

    mode: Mode
    max_age: int
    hosts: tuple[str, ...] = ()  # in lower case; *.example.org is any name with one label more

    def names(self, host: str) -> bool:
        """Whether this host is one of them (RFC 8461, 4.1)."""
        return any(covers(pattern, host.lower()) for pattern in self.hosts)


class NotAPolicy(ValueError):
    """These octets are no policy: why not."""


def read_record(texts: Iterable[bytes]) -> str | None:
    """The id in the TXT records at _mta-sts.DOMAIN; None if there is not exactly one well-formed record."""
    begun = [text for text in texts if _BEGIN.match(text)]
    if len(begun) != 1:  # RFC 8461, 3.1
        return None
    found: dict[bytes, bytes] = {}
    parts = begun[0].rstrip(b" \t").removesuffix(b";").split(b";")
    for part in parts:
        pair = _PAIR.fullmatch(part.strip(b" \t"))
        if pair is None:
            return None
        found.setdefault(pair[1], pair[2])
    version_id = found.get(b"id", b"")
    return version_id.decode("ascii") if _ID.fullmatch(version_id) else None


def read_policy(octets: bytes) -> Policy:
    """The policy in a file (RFC 8461, 3.2); NotAPolicy if it is none."""
    if len(octets) > LONGEST:
        raise NotAPolicy(f"it has more than {LONGEST >> 10} KiB")
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError:
        raise NotAPolicy("it is not UTF-8") from None
    first: dict[str, str] = {}
    hosts: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        if line in ("", "\r"):  # many policies end with one
            continue
        key, colon, value = line.removesuffix("\r").partition(":")
        value = value.strip(" \t")
        if not colon or not _KEY.fullmatch(key) or _CONTROL.search(value):
            raise NotAPolicy(f"line {number} is no key with a value")
        if key == "mx":
            hosts.append(_host(value, number))
        first.setdefault(key, value)  # RFC 8461, 3.2: of what is repeated the first one counts
    return _policy(first, tuple(dict.fromkeys(hosts)))


def _policy(first: dict[str, str], hosts: tuple[str, ...]) -> Policy:
    """The policy that the keys make."""
    if first.get("version") != "STSv1":
        raise NotAPolicy("its version is not STSv1")
    age = first.get("max_age", "")
    if not _AGE.fullmatch(age) or int(age) > MOST_AGE:
        raise NotAPolicy(f"its max_age is not between 0 and {MOST_AGE}")
    modes = [mode for mode in Mode if mode.value == first.get("mode")]
    if not modes:
        raise NotAPolicy("its mode is not enforce, testing or none")
    if not hosts and modes[0] is not Mode.NONE:
        raise NotAPolicy("it names no mx")
    return Policy(modes[0], int(age), hosts)


def _host(value: str, number: int) -> str:
    """A host, or a pattern for hosts, in A-labels (RFC 8461, 3.2)."""
    if len(value) > 255 or not _HOST.fullmatch(value):
        raise NotAPolicy(f"line {number} names no host")
    return value.lower()
