"""Every way in which ccc fails, on one page.

An error says what was wrong and with what, then the next step (`cure`). It carries data, never a string
to parse, and its `kind` says whose fault it is. What exit status a kind becomes is decided in receipt.py
alone, so that one run over many messages has one rule.

    CccError
     ├── Declined                  the user said no
     ├── Interrupted               Ctrl-C, SIGTERM, SIGHUP
     ├── UsageError                the command line
     │    └── AddressError         … an address in it: where and why
     ├── MessageError              the message cannot be used
     │    ├── MessageTooBig        … by this server
     │    ├── SourceChanged        … because its file changed while it was read
     │    └── CopyUnreadable       … because our copy of it cannot be read now
     ├── SourceError               there is no such message
     ├── RefusedError              refused for good
     │    ├── LoopError            … by ourselves: the message goes round in circles
     │    └── ExtensionMissing     … because the server cannot carry it
     ├── DomainError               there is no such domain, or it takes no mail
     ├── StateError                a file of ours cannot be written; nothing was sent
     │    └── JournalFailed        … the journal: nothing further was said
     ├── NotRecordedError          it was sent, but the record failed
     ├── TryLaterError             not now; running again is safe
     │    └── LinkError            … the connection failed
     │         ├── LinkLost        … or ended, or fell silent
     │         └── ProtocolError   … or the server stopped speaking its protocol
     │              └── NotImap … where nothing is under way: it is IMAP's
     ├── NotPermitted          login, permission, provider policy
     │    └── LoginRefused     … these credentials; others may do
     └── ConfigurationError        the configuration
"""

from enum import Enum

_SIGINT = 2  # POSIX.1, kill(1)
_SHOWN = 120  # characters of an address-list in an error


class Kind(Enum):
    """What kind of failure it is, in the words of sysexits.h where it has one."""

    DECLINED = "declined"
    USAGE = "usage"
    MESSAGE = "message"
    SOURCE = "source"
    DOMAIN = "domain"
    REFUSED = "refused"
    BUG = "bug"
    CANNOT_WRITE = "cannot write"
    NOT_RECORDED = "not recorded"
    TRY_LATER = "try later"
    PROTOCOL = "protocol"
    PERMISSION = "permission"
    CONFIGURATION = "configuration"
    INTERRUPTED = "interrupted"


class CccError(Exception):
    """Something that a user, a file, a server or a network did: `what` was wrong, and its `cure`."""

    kind: Kind = Kind.BUG

    def __init__(self, what: str, cure: str = "", *, kind: Kind | None = None) -> None:
        super().__init__(what, cure)
        self.what = what
        self.cure = cure
        if kind is not None:  # what the class says otherwise
            self.kind = kind

    def __str__(self) -> str:
        return f"{self.what}; {self.cure}" if self.cure else self.what


class Declined(CccError):
    """The user answered no, or ended the input."""

    kind = Kind.DECLINED


class Interrupted(CccError):
    """A signal ended the run: its number, and how many octets the connection had taken (`written`)."""

    def __init__(self, what: str, signal: int, written: int = 0) -> None:
        super().__init__(what)
        self.kind = Kind.INTERRUPTED if signal == _SIGINT else Kind.TRY_LATER
        self.signal = signal
        self.written = written


class UsageError(CccError):
    """The command line asks for something that cannot be."""

    kind = Kind.USAGE


class AddressError(UsageError):
    """An address is not one: `reason`, at `position` (0-based, in characters) of `text`."""

    def __init__(self, text: str, position: int, reason: str) -> None:
        super().__init__(f"address {_around(text, position)!r}, character {position + 1}: {reason}")
        self.text = text
        self.position = position
        self.reason = reason


def _around(text: str, position: int) -> str:
    """The text, or so much of a long one as shows the position."""
    if len(text) <= _SHOWN:
        return text
    first = max(0, position - _SHOWN // 2)
    return f"{'…' * (first > 0)}{text[first : first + _SHOWN]}{'…' * (first + _SHOWN < len(text))}"


class MessageError(CccError):
    """The message cannot be used: why, and where in it (`place`, such as "line 3" or "octet 812")."""

    kind = Kind.MESSAGE

    def __init__(self, what: str, place: str = "", cure: str = "") -> None:
        super().__init__(f"{what} ({place})" if place else what, cure)
        self.place = place


class MessageTooBig(MessageError):
    """The server takes at most `limit` octets (RFC 1870, 4), the message has `size`."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(
            f"the message has {size} octets and the server takes at most {limit}",
            cure="send a link instead, or use another server",
        )
        self.size = size
        self.limit = limit


class SourceChanged(MessageError):
    """The file was changed between the plan and its last octet; its end was not sent."""


class CopyUnreadable(MessageError):
    """The journal's copy of the message cannot be read now; nothing is wrong with the message."""

    kind = Kind.CANNOT_WRITE

    def __init__(self, why: str) -> None:
        super().__init__(
            f"the journal's copy of the message cannot be read: {why}",
            cure="check the folder of the journal",
        )


class SourceError(CccError):
    """There is no such file, folder or message, or it may not be read."""

    kind = Kind.SOURCE


class RefusedError(CccError):
    """It is refused for good: trying again would end in the same way."""

    kind = Kind.REFUSED


class LoopError(RefusedError):
    """The message has been through too many hands (RFC 5321, 6.3)."""


class ExtensionMissing(RefusedError):
    """The message needs `extension`, which the server does not offer; nothing is ever re-encoded."""

    def __init__(self, extension: str, needs: str, cure: str) -> None:
        super().__init__(f"the server does not offer {extension}, and {needs}", cure)
        self.extension = extension


class DomainError(CccError):
    """There is no such domain, or it takes no mail."""

    kind = Kind.DOMAIN


class StateError(CccError):
    """A file that ccc writes cannot be written; nothing was sent."""

    kind = Kind.CANNOT_WRITE


class JournalFailed(StateError):
    """The journal cannot be written, so nothing was said after the first `written` octets."""

    def __init__(self, what: str, cure: str = "", written: int = 0) -> None:
        super().__init__(what, cure)
        self.written = written


class NotRecordedError(CccError):
    """The message was sent, but what ccc keeps of it could not be written: do not repeat."""

    kind = Kind.NOT_RECORDED


class TryLaterError(CccError):
    """Not now: trying again later is safe."""

    kind = Kind.TRY_LATER


class LinkError(TryLaterError):
    """The connection failed; the first `written` octets said over it had been handed over."""

    def __init__(self, what: str, cure: str = "", written: int = 0) -> None:
        super().__init__(what, cure or "check the network")
        self.written = written


class LinkLost(LinkError):
    """The connection ended or fell silent."""


class ProtocolError(LinkError):
    """What the server said is not its protocol."""

    def __init__(self, what: str, written: int = 0, cure: str = "") -> None:
        super().__init__(what, cure or "tell the server's administrator, or use another server", written)


class NotImap(ProtocolError):
    """What the server said is not IMAP; that is no reason to try again later."""

    kind = Kind.PROTOCOL

    def __init__(self, what: str, cure: str = "") -> None:
        super().__init__(what, cure=cure)


class NotPermitted(CccError):
    """The login, a permission or the provider's policy is in the way."""

    kind = Kind.PERMISSION


class LoginRefused(NotPermitted):
    """The server refused these credentials; others may do."""


class ConfigurationError(CccError):
    """The configuration is missing or wrong."""

    kind = Kind.CONFIGURATION
