"""What the journal holds: an entry for each content in an envelope, a record for each of its recipients."""

from enum import Enum
from typing import NamedTuple

from ccc.address import Mailbox
from ccc.plan import Action
from ccc.smtp.replies import Reply


class Phase(Enum):
    """How far the copy of one recipient has come.

    planned --connect--> sending --last octet about to go--> committing --250--> accepted
                            |                                    |-- 4xx --> deferred   |-- 5xx --> refused
                            `-- lost: deferred                   `-- lost: in doubt

    Each is on disk before the next thing happens. Besides: the user closed what was in doubt (dropped), and
    a server that had accepted it reported a failure (bounced).
    """

    PLANNED = "planned"
    SENDING = "sending"
    COMMITTING = "committing"
    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    REFUSED = "refused"
    IN_DOUBT = "in doubt"
    DROPPED = "dropped"
    BOUNCED = "bounced"


class Record(NamedTuple):
    """What is known of one recipient; times are Unix times, `reply` is None where none decided."""

    mailbox: Mailbox
    phase: Phase
    busy: bool  # a ccc that is running has it
    changed: float
    attempts: int
    next_attempt: float | None
    second: bool  # whatever goes to it may be a second copy: the first one was in doubt
    kind: str
    reason: str
    cure: str
    hop: str
    reply: Reply | None


class Entry(NamedTuple):
    """One content in one envelope, by the ID that `ccc log` prints; digests are hexadecimal."""

    name: str
    action: Action
    source: str
    message_id: str
    resent_message_id: str
    subject: str | None
    digest: str
    reverse_path: Mailbox | None
    planned: float
    size: int
    sha256: str
    has_octets: bool
    records: tuple[Record, ...]


class Filter(NamedTuple):
    """Which entries are wanted: those with a recipient of whom all of this is true."""

    recipient: str = ""  # a part of the address, capitals or not
    phase: Phase | None = None
    since: float | None = None
    until: float | None = None
    message_id: str = ""
    limit: int | None = None
