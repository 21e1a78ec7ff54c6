"""Real deliveries to a Sink that are entered into a journal, and what the journal says of them."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from ccc import deliver, plan_redirect
from ccc.config import Config
from ccc.journal.entry import Entry
from ccc.journal.log import Log
from ccc.journal.opening import open_journal
from ccc.routes.submission import Submission
from ccc.transport.server import Security, Server
from tests.lab.sink import EVERYTHING, Sink

MAIL = (
    b"From: Ann <ann@a.test>\r\nTo: bob@b.test\r\nSubject: Minutes\r\nMessage-ID: <1@a.test>\r\n\r\nHello\r\n"
)
ME = "me@a.test"
REPLIES = {"gone@b.test": "550 5.1.1 no such user", "later@b.test": "450 4.2.0 not now"}
NO_ANSWER = {".": ""}  # the link ends after the last octet


def send(
    state: Path,
    *to: str,
    text: bytes = MAIL,
    plan=plan_redirect,
    verbs: Mapping[str, str] | None = None,
) -> Entry:
    """Send a mail; gone@b.test is refused, later@b.test deferred. The entry."""
    extensions = EVERYTHING if verbs is None else ()
    with Sink(extensions, rcpt=REPLIES, verbs=verbs) as sink:
        return send_by(sink.port, state, *to, text=text, plan=plan)


def send_by(
    port: int, state: Path, *to: str, text: bytes = MAIL, plan=plan_redirect, sender: str = ME
) -> Entry:
    """Send a mail by the server on this port. The entry."""
    route = Submission(Server("127.0.0.1", port, security=Security.NONE))
    with closing(opened(state, create=True)) as journal:
        list(deliver(plan(text, sender=sender, to=to), route, journal=journal))
        return next(Log(journal).entries())


def opened(state: Path, *, create: bool = False):
    return open_journal(Config(journal_subjects=True), {"CCC_STATE_DIR": str(state)}, create=create)


@contextmanager
def log(state: Path) -> Iterator[Log]:
    with closing(opened(state)) as journal:
        yield Log(journal)


def phases(state: Path, name: str) -> dict[str, str]:
    """How far each recipient of an entry has come."""
    with log(state) as kept:
        return {record.mailbox.addr_spec: record.phase.value for record in kept.find(name).records}


def report(
    final: str,
    *,
    original: str = "",
    action: str = "failed",
    envid: str = "",
    returned: str = "Message-ID: <1@a.test>\n",
) -> bytes:
    """A delivery report about one recipient."""
    fields = {
        "Final-Recipient": f"rfc822; {final}",
        "Original-Recipient": original and f"rfc822;{original}",
        "Action": action,
        "Status": "5.2.2",
        "Diagnostic-Code": "smtp; 550 mailbox full",
        "Remote-MTA": "dns; mx.b.test",
    }
    about = "".join(f"{name}: {value}\n" for name, value in fields.items() if value)
    named = f"Original-Envelope-Id: {envid}\n" if envid else ""
    return (
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
        "--b\n\nIt could not be delivered.\n\n"
        "--b\nContent-Type: message/delivery-status\n\n"
        f"{named}Reporting-MTA: dns; mx.test\n\n{about}"
        f"\n--b\nContent-Type: text/rfc822-headers\n\n{returned}\n--b--\n"
    ).encode()
