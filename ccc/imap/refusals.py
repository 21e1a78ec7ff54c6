"""What a NO or a BAD means: the response codes of IMAP (RFC 3501, 7.1; RFC 5530) as errors with a cure."""

import re
from typing import NamedTuple

from ccc.errors import CccError, NotPermitted, RefusedError, SourceError, TryLaterError

_CODE = re.compile(rb"\[(?P<code>[A-Za-z0-9-]+)(?: (?P<data>[^\]\r\n]*))?\] ?(?P<text>.*)", re.DOTALL)
_TIMES = re.compile(r" \([0-9.]+(?: \+ [0-9.]+){1,3} secs\)\.?\s*\Z")  # how long Dovecot took

LATER = frozenset({"UNAVAILABLE", "INUSE", "SERVERBUG", "LIMIT", "EXPUNGEISSUED", "CORRUPTION"})
RIGHTS = frozenset({"NOPERM", "AUTHORIZATIONFAILED", "PRIVACYREQUIRED", "CONTACTADMIN", "READ-ONLY"})
ABSENT = frozenset({"NONEXISTENT", "TRYCREATE"})
FULL = frozenset({"OVERQUOTA"})
TOO_BIG = frozenset({"TOOBIG"})  # RFC 4469, 4.2


class Code(NamedTuple):
    """A response code and what stands in it; "" if there is none."""

    name: str = ""
    data: bytes = b""


class Refused(RefusedError):
    """The server answered a command with NO or BAD: `status`, its response `code`, its `text`."""

    def __init__(self, command: str, status: str, said: bytes) -> None:
        self.command = command
        self.status = status
        self.code = code_of(said)
        self.text = f"{status} {_TIMES.sub('', said.decode('utf-8', 'replace'))}".rstrip()
        super().__init__(
            f"the IMAP server refused {command}: {self.text}", "ask the server's administrator what it means"
        )


def code_of(said: bytes) -> Code:
    """The response code at the beginning of a status response's text."""
    match = _CODE.match(said)
    return Code(match["code"].upper().decode(), match["data"] or b"") if match else Code()


def explained(refused: Refused, what: str, cure: str, other: type[CccError] = RefusedError) -> CccError:
    """The error for `what` could not be done; `cure` and `other` are for a server that gives no code."""
    said = f"{what}: the IMAP server says {refused.text}"
    code = refused.code.name
    if code in ABSENT:
        return SourceError(said, cure)
    if code in RIGHTS:
        return NotPermitted(said, "ask for the right in your provider's settings, or name another folder")
    if code in FULL:
        return TryLaterError(said, "make room in the mailbox")
    if code in LATER:
        return TryLaterError(said, "try again later")
    return other(said, cure)
