"""Messages into a real mailbox: by `--via append`, with flags and date, cut links and all."""

import contextlib
import imaplib
import re
import ssl
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ccc import Plan, deliver, plan_redirect
from ccc.dispatch import deliver_again
from ccc.imap import Manner, Session, connect
from ccc.journal.retry import due
from ccc.message.message import Filed, Message, Origin, read
from ccc.message.octets import HeldOctets
from ccc.routes.append import Append
from ccc.routes.copies import Marks, SentCopies, sent_folder
from ccc.smtp.login import Held, Password
from ccc.transport.server import Security, Server
from tests.journal.test_cut import opened
from tests.journal.truth import Key, ledger, phases, untrue
from tests.lab.cutter import Cut, Cutter, End, Way
from tests.lab.dovecot import Dovecot
from tests.lab.records import Transaction
from tests.lab.tls import Authority
from tests.smtp.play import HELLO

MAIL = b"From: a@a.test\r\nMessage-ID: <%d@a.test>\r\n\r\nHello\r\n.a dot\r\ncaf\xc3\xa9\r\n"
ME = "me@home.test"
DATE = 1763715600.0  # 21 November 2025, 09:00 UTC


class Mailbox:
    """A mailbox of a real server: sessions of ours, and the view of another client."""

    def __init__(self, dovecot: Dovecot, authority: Authority, user: str) -> None:
        self.dovecot, self.port = dovecot, dovecot.imap_port
        self.keys = Held(Password(user, dovecot.password))
        self.manner = Manner(str(authority.ca_file), timeout=10)
        self.sessions: list[Session] = []
        trust = ssl.create_default_context(cafile=str(authority.ca_file))
        self.client = imaplib.IMAP4_SSL("localhost", dovecot.imaps_port, ssl_context=trust)
        self.client.login(user, dovecot.password)

    def session(self) -> Session:
        """The one that is open, else a new one."""
        if not self.sessions or self.sessions[-1].lost:
            server = Server("localhost", self.port, security=Security.STARTTLS, user="me")
            self.sessions.append(connect(server, self.keys, self.manner))
        return self.sessions[-1]

    def route(self, folder: str = "INBOX") -> Append:
        return Append(self.session, folder, f"work/{folder}")

    def lying(self, folder: str = "INBOX") -> list[tuple[bytes, set[str]]]:
        """What lies in a folder: octets and flags."""
        self.client.select(f'"{folder}"', readonly=True)
        answer = self.client.uid("FETCH", "1:*", "(FLAGS BODY.PEEK[])")[1]
        return [(part[1], _flags(part[0])) for part in answer if isinstance(part, tuple)]

    def ledger(self) -> dict[Key, list[bytes]]:
        """The copies of each message."""
        return ledger(
            Transaction(b"", (b"RCPT TO:<%s>" % ME.encode(),), (), octets, len(octets), 0)
            for octets, _ in self.lying()
        )

    def close_sessions(self) -> None:
        for session in self.sessions:
            session.close()

    def close(self) -> None:
        self.close_sessions()
        with contextlib.suppress(imaplib.IMAP4.error, OSError):
            self.client.logout()


def _flags(line: bytes) -> set[str]:
    found = re.search(rb"FLAGS \(([^)]*)\)", line)
    assert found is not None
    return set(found[1].decode().split()) - {"\\Recent"}


@pytest.fixture
def mailbox(dovecot: Dovecot, authority: Authority, tmp_path: Path) -> Iterator[Mailbox]:
    with closing(Mailbox(dovecot, authority, f"{tmp_path.name.replace('_', '-')}@example.org")) as made:
        yield made


def message(number: int = 1, filed: Filed | None = None) -> Message:
    return read(HeldOctets(MAIL % number), f"imap:{number}")._replace(filed=filed)


def test_a_mail_lies_there_with_its_octets_its_flags_and_its_date(mailbox: Mailbox) -> None:
    filed = Filed(("\\Seen", "\\Flagged", "$Forwarded", "\\Recent", "\\Deleted"), DATE)
    plan = plan_redirect(message(filed=filed), sender=ME, to=ME, resent="never")
    (receipt,) = deliver(plan, mailbox.route())
    assert [outcome.reason for outcome in receipt.outcomes] == ["appended to INBOX (UID 1)"]
    assert mailbox.lying() == [(MAIL % 1, {"\\Seen", "\\Flagged", "$Forwarded"})]
    session = mailbox.session()
    session.examine("INBOX")
    assert [brief.received for brief in session.briefs((1,))] == [DATE]


def test_a_folder_may_have_any_name(mailbox: Mailbox) -> None:
    name = 'Caf\u00e9 & "Bar"/Se\u00f1or'
    mailbox.client.create('"Caf&AOk- &- \\"Bar\\"/Se&APE-or"')
    (receipt,) = deliver(plan_redirect(message(), sender=ME, to=ME), mailbox.route(name))
    assert [outcome.reason for outcome in receipt.outcomes] == [f"appended to {name} (UID 1)"]


def test_a_folder_that_is_not_there_is_not_made(mailbox: Mailbox) -> None:
    (receipt,) = deliver(plan_redirect(message(), sender=ME, to=ME), mailbox.route("Archvie"))
    (outcome,) = receipt.outcomes
    assert (receipt.exit_status, outcome.state.value) == (78, "deferred")
    assert "`ccc account test`" in outcome.cure
    assert b"Archvie" not in b"".join(mailbox.client.list()[1])


def test_many_go_over_one_connection(mailbox: Mailbox) -> None:
    plans = (plan_redirect(message(number), sender=ME, to=ME) for number in range(50))
    receipts = list(deliver(plans, mailbox.route("Archive")))
    assert {outcome.state.value for receipt in receipts for outcome in receipt.outcomes} == {"accepted"}
    assert (len(mailbox.lying("Archive")), len(mailbox.sessions)) == (50, 1)


def usual(mailbox: Mailbox, state: Path) -> dict[Way, int]:
    """How many octets go either way when nothing is cut."""
    with Cutter(("127.0.0.1", mailbox.dovecot.imap_port)) as cutter, closing(opened(state)) as journal:
        mailbox.port = cutter.port
        assert [receipt.exit_status for receipt in deliver(plan(0), mailbox.route(), journal=journal)] == [0]
        mailbox.close_sessions()
    return cutter.passed


def plan(number: int) -> Plan:
    return plan_redirect(message(number), sender=ME, to=ME)


def test_a_cut_link_loses_nothing_and_doubles_nothing(mailbox: Mailbox, tmp_path: Path) -> None:
    state = tmp_path / "state"
    lengths = usual(mailbox, state)
    places = [(way, before_end) for way in Way for before_end in (2, 30, 400)]
    found: dict[str, list[str]] = {}
    for number, (way, before_end) in enumerate(places, 1):
        cut = Cut(way, lengths[way] - before_end, (End.FIN, End.RST)[number % 2])
        with (
            Cutter(("127.0.0.1", mailbox.dovecot.imap_port), cut) as cutter,
            closing(opened(state)) as journal,
        ):
            mailbox.port = cutter.port
            (receipt,) = deliver(plan(number), mailbox.route(), journal=journal)
            mailbox.close_sessions()
        found[f"{cut}, at once"] = untrue(mailbox.ledger(), phases(state), receipt.exit_status)
        mailbox.port = mailbox.dovecot.imap_port
        with closing(opened(state)) as journal:
            list(deliver_again(due(journal, all_=True, resend=True), mailbox.route(), journal))
        found[f"{cut}, in the end"] = untrue(mailbox.ledger(), phases(state))
    assert {cut: wrong for cut, wrong in found.items() if wrong} == {}
    assert list(phases(state).values()) == ["accepted"] * (len(places) + 1)
    assert len(mailbox.lying()) == len(places) + 1


def test_a_copy_of_what_was_sent_lies_in_the_folder_that_is_for_it(mailbox: Mailbox) -> None:
    folder = sent_folder(mailbox.session)
    assert folder == "Sent"
    SentCopies(mailbox.session, folder).keep(HELLO)
    assert mailbox.lying("Sent") == [(HELLO.octets, {"\\Seen"})]


def test_what_was_passed_on_is_marked_and_nothing_else(mailbox: Mailbox) -> None:
    for number in range(4):
        mailbox.client.append("INBOX", "", "", MAIL % number)
    uidvalidity = mailbox.session().examine("INBOX").uidvalidity
    marks = Marks(mailbox.session)
    for uid in (1, 2, 4):
        marks.note(Origin("work", "INBOX", uidvalidity, uid))
    assert marks.write() == ()
    assert [flags for _, flags in mailbox.lying()] == [{"$Forwarded"}, {"$Forwarded"}, set(), {"$Forwarded"}]
