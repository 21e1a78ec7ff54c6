"""The resent block: who passed the message on, and to whom, above everything that is there.

One block for each time (RFC 5322, 3.6.6), its fields together, the newest on top. It is for eyes only:
no program replies to it, and no recipient is ever taken from it.
"""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from ccc.address import Mailbox, fold_list
from ccc.message.header import Header

if TYPE_CHECKING:
    from datetime import datetime

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")  # in English wherever we are
_MONTHS: Final = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)
# RFC 5322, 3.6: each stands at most once in a block
_ONCE: Final = (
    *("resent-date", "resent-from", "resent-sender", "resent-message-id"),
    *("resent-to", "resent-cc", "resent-bcc"),
)


def resent_block(
    date: str,
    sender: Mailbox,
    to: Sequence[Mailbox],
    cc: Sequence[Mailbox],
    message_id: str,
) -> bytes:
    """The block, with CRLF line ends; without people to show it has no Resent-To and Resent-Cc."""
    lists = [("Resent-From", (sender,)), ("Resent-To", to), ("Resent-Cc", cc)]
    return b"".join(
        [
            f"Resent-Date: {date}\r\n".encode("ascii"),  # RFC 5322, 3.6.6: this and From are a MUST
            *[fold_list(name, mailboxes) for name, mailboxes in lists if mailboxes],
            f"Resent-Message-ID: {message_id}\r\n".encode("ascii"),
        ]
    )


def resent_date(when: "datetime") -> str:
    """A point in time as RFC 5322, 3.3 writes it; without a time zone it is taken as UTC."""
    day, month = _DAYS[when.weekday()], _MONTHS[when.month - 1]
    zone = when.strftime("%z")[:5] or "-0000"  # RFC 5322, 3.3: UTC, local zone unknown
    return f"{day}, {when.day} {month} {when.year:04} {when:%H:%M:%S} {zone}"


def count_blocks(header: Header) -> int:
    """How many resent blocks there are: as many as the most frequent of their fields."""
    counted = Counter([field.key for field in header])
    return max(counted[key] for key in _ONCE)
