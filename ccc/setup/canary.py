"""The canary: one mail that tells whether a submission server heeds the envelope.

Some services send to whoever stands in To and Cc, whatever the envelope says; a resend would then reach all
of them again. So a mail goes to the user alone, and its visible To names one more address of the user's. If a
copy for that one arrives, or a report about it, the server mails header addresses.

It is one mail, so all of its copies have one Message-ID, and a mailbox that keeps the first of such copies
hides the second. Where that is known, a single copy proves nothing.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, Protocol

from ccc.address import Mailbox, fold_list
from ccc.delivery import Delivery
from ccc.envelope import Envelope
from ccc.errors import CccError, SourceError, TryLaterError
from ccc.message import BLOCK, HeldOctets, read
from ccc.message.resent import resent_date
from ccc.receipt import State

if TYPE_CHECKING:
    from datetime import datetime

    from ccc.imap import Session
    from ccc.message import Header
    from ccc.routes.route import Route

STEP = 2.0  # seconds between two looks
JUNK = "\\Junk"
GMAIL = "X-GM-EXT-1"  # its capability: there, mails with one Message-ID become one mail

# where servers note whom a copy is for
_TRACES = ("delivered-to", "x-original-to", "envelope-to", "x-delivered-to", "x-envelope-to", "received")
_REPORTED = re.compile(
    rb"^(?:Final|Original)-Recipient:[ \t]*(?:rfc822;)?[ \t]*(?P<who>\S+)", re.IGNORECASE | re.MULTILINE
)

_BODY = """\
This mail was sent by `ccc doctor --canary`, to one recipient alone:

    {me}

Its To names a second address, {other}, to which
it was not sent. If two copies have arrived, or a report about that address,
then the submission server mails everybody in the header, and ccc will not
use it. You can delete this mail.
"""


class Clock(Protocol):
    """Time as the watch needs it."""

    def now(self) -> float:
        """Seconds, from any beginning."""

    def sleep(self, seconds: float) -> None:
        """Let them pass."""


class Canary(NamedTuple):
    """The mail: whom it goes to, whom it only shows, and how it is known again."""

    me: Mailbox
    other: Mailbox
    token: str

    @property
    def message_id(self) -> str:
        """Its Message-ID."""
        return f"<ccc-canary.{self.token}@{self.me.domain}>"

    def octets(self, now: "datetime") -> bytes:
        """The mail itself."""
        body = _BODY.format(me=self.me.addr_spec, other=self.other.addr_spec).replace("\n", "\r\n")
        head = (
            f"Date: {resent_date(now)}\r\n".encode("ascii"),
            fold_list("From", (self.me,)),
            fold_list("To", (self.me, self.other)),
            f"Subject: ccc canary {self.token}\r\n".encode("ascii"),
            f"Message-ID: {self.message_id}\r\n".encode("ascii"),
            b"Auto-Submitted: auto-generated\r\n",  # RFC 3834, 5: nobody's absence note answers it
            b"MIME-Version: 1.0\r\n",
            b"Content-Type: text/plain; charset=utf-8\r\n",
            b"Content-Transfer-Encoding: 8bit\r\n\r\n",
        )
        return b"".join((*head, body.encode()))


def other_address(me: Mailbox, token: str) -> Mailbox:
    """A plus-address of the user's (RFC 5233, 1), which lands in the same mailbox."""
    return Mailbox(f"{me.local.partition('+')[0]}+ccc-canary-{token}", me.domain)


def send(canary: Canary, route: "Route", now: "datetime") -> None:
    """Send it to the user alone; raises what kept it."""
    message = read(HeldOctets(canary.octets(now)), "the canary")
    delivery = Delivery(Envelope(canary.me, (canary.me,)), message.content(message.header))
    for settled in route.deliver([delivery]):
        for record in settled:
            for outcome in record.outcomes:
                if outcome.state is not State.ACCEPTED:
                    why = f"the canary was not sent: {outcome.reason}"
                    raise CccError(why, outcome.cure, kind=outcome.kind)


class Seen(NamedTuple):
    """What has arrived: how many copies, and what shows that one was for the other address."""

    copies: int = 0
    proofs: tuple[str, ...] = ()
    merges: bool = False  # the mailbox is known to keep one of several copies of a mail

    @property
    def caught(self) -> bool:
        """Whether the server mailed the other address too."""
        return self.copies > 1 or bool(self.proofs)

    @property
    def cleared(self) -> bool:
        """Whether a second copy would have shown, as far as is known."""
        return not (self.caught or self.merges)

    @property
    def words(self) -> str:
        """What was seen, for eyes."""
        return self.proofs[0] if self.proofs else f"{self.copies} copies arrived"


class Watch:
    """Looks for the canary in the mailboxes where it could arrive, among what comes after the beginning."""

    def __init__(self, session: "Session", canary: Canary) -> None:
        self._session = session
        self._canary = canary
        junk = session.find_special(JUNK)
        self._folders = {
            name: session.examine(name).uidnext for name in ("INBOX", *((junk,) if junk else ()))
        }

    def until(self, seconds: float, clock: Clock) -> Seen:
        """What has arrived after so many seconds, or as soon as it is enough to judge by.

        TryLaterError if nothing has: then nothing is known.
        """
        deadline, step = clock.now() + seconds, min(STEP, seconds / 10)
        while True:
            seen = self.look()
            left = deadline - clock.now()
            if seen.caught or left <= 0:
                break
            clock.sleep(min(step, left))
        seen = seen if seen.caught else seen._replace(proofs=tuple(self._own_folder()))
        seen = seen._replace(merges=GMAIL in self._session.capabilities)
        if not seen.copies and not seen.caught:
            raise TryLaterError(
                f"the canary did not arrive within {seconds:g} seconds, so nothing is known",
                "look for it in your mailbox, and run it again with a larger --wait",
            )
        return seen

    def look(self) -> Seen:
        """What has arrived by now."""
        copies, proofs = 0, list[str]()
        for folder, first in self._folders.items():
            self._session.examine(folder)
            found = self._session.search(f"UID {first}:* TEXT {self._canary.token}")
            for octets in self._fetched([uid for uid in found if uid >= first]):
                header = read(HeldOctets(octets), folder).header
                is_copy = _value(header, "message-id") == self._canary.message_id
                copies += is_copy
                proofs += self._traces(header) if is_copy else self._reports(octets)
        return Seen(copies, tuple(proofs))

    def _fetched(self, uids: Sequence[int]) -> Iterator[bytes]:
        for _, octets in self._session.fetch(self._session.briefs(uids)):
            if not isinstance(octets, CccError):
                yield octets.block(0)[:BLOCK]

    def _traces(self, header: "Header") -> Iterator[str]:
        """Fields by which a server notes that this copy was for the other address."""
        other = self._canary.other.addr_spec.lower()
        for name in _TRACES:
            if any(other in field.value.decode("utf-8", "replace").lower() for field in header.all(name)):
                yield f"a copy arrived for {self._canary.other.addr_spec} ({name})"
                return

    def _reports(self, octets: bytes) -> Iterator[str]:
        """A delivery report about the other address (RFC 3464, 2.3)."""
        other = self._canary.other.addr_spec.lower()
        named = (match["who"].decode("utf-8", "replace").lower() for match in _REPORTED.finditer(octets))
        if other in named:
            yield f"a report arrived about {self._canary.other.addr_spec}"

    def _own_folder(self) -> Iterator[str]:
        """A folder that a server made for what comes to a plus-address (RFC 5233, 1)."""
        detail = self._canary.other.local.partition("+")[2]
        for name in (detail, f"INBOX/{detail}", f"INBOX.{detail}") if detail else ():
            with suppress(SourceError):
                self._session.examine(name)
                yield f"a copy arrived in the folder {name}"
                return


def _value(header: "Header", name: str) -> str:
    return next((field.value.decode("ascii", "replace").strip() for field in header.all(name)), "")
