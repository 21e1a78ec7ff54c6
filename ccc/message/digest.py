"""What makes two messages the same message: the journal's key.

Message-ID alone is not enough, strangers choose it: two mails with one Message-ID and different bodies
are two mails. Line ends and empty lines at the end are what transports change, so they do not count.
"""

from typing import Final

from ccc.message.header import Header
from ccc.message.leftout import left_out
from ccc.message.lines import CRLF

_FLUSH: Final = 32 * 1024  # empty lines written at once
# Fields that whoever handles a message puts on top: two copies of one message differ in them.
TRACE: Final = frozenset(
    {
        "received",  # RFC 5322, 3.6.7
        "received-spf",  # RFC 7208, 9.1
        "authentication-results",  # RFC 8601, 4.1
        "dkim-signature",  # RFC 6376, 3.5
        "arc-authentication-results",  # RFC 8617, 4.1.1
        "arc-message-signature",  # RFC 8617, 4.1.2
        "arc-seal",  # RFC 8617, 4.1.3
    }
)


class BodyDigest:
    """SHA-256 of a body as RFC 6376, 3.4.3 ("simple") writes it: one CRLF ends it, never more."""

    __slots__ = ("_empty", "_hash")

    def __init__(self) -> None:
        from hashlib import sha256

        self._hash = sha256()
        self._empty = 0  # octets of line ends seen since the last text

    def feed(self, block: bytes) -> None:
        """The next octets; line ends are CRLF and none is cut in two."""
        text = block.rstrip(CRLF)
        if text:
            self._write_line_ends(self._empty)
            self._hash.update(text)
            self._empty = 0
        self._empty += len(block) - len(text)

    def digest(self) -> bytes:
        """The 32 octets; nothing can be fed after that."""
        self._hash.update(CRLF)
        return self._hash.digest()

    def _write_line_ends(self, octets: int) -> None:
        piece = CRLF * (min(octets, _FLUSH) // 2)
        for _ in range(octets // _FLUSH):
            self._hash.update(piece)
        self._hash.update(piece[: octets % _FLUSH])


def message_id(header: Header) -> bytes:
    """The Message-ID with its angle brackets and without folds (RFC 5322, 3.6.4); b"" if none."""
    field = header.first("message-id")
    if not field:
        return b""
    value = b"".join(field.value.split())
    start = value.find(b"<")
    end = value.find(b">", start)
    return value[start : end + 1] if 0 <= start < end else value


def identity(header: Header, body_digest: bytes) -> str:
    """The identity of a message, as 64 hexadecimal digits."""
    from hashlib import sha256

    named = message_id(header)
    what = b"message-id:" + named if named else b"header:" + _lasting(header).wire()
    return sha256(what + b"\0" + body_digest).hexdigest()


def _lasting(header: Header) -> Header:
    """The header without what is left out and without what its carriers put on top."""
    lasting = header.without(gone.field for gone in left_out(header))
    return lasting.without(lasting.where(lambda field: field.key in TRACE))
