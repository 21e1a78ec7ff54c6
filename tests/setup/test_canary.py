"""The canary, watched in a real Dovecot: by a server that heeds the envelope, and by some that do not."""

import os
import re
import shutil
from datetime import UTC, datetime

import pytest

from ccc.address import Mailbox, read_list
from ccc.errors import NotPermitted, RefusedError, TryLaterError
from ccc.imap import Manner, connect
from ccc.message import HeldOctets, read
from ccc.routes.submission import Submission
from ccc.setup.canary import Canary, Seen, Watch, other_address, send
from ccc.smtp.login import Held, Password
from ccc.transport.server import Security, Server
from tests.lab.imap_fault import OFFERED, HostileImap
from tests.lab.mailboxes import NOBODY, Careless, Mailboxes
from tests.lab.postfix import postfix as running_postfix
from tests.lab.sink import CHUNKING, Sink

NOW = datetime(2026, 11, 22, tzinfo=UTC)
REPORT = b"""From: MAILER-DAEMON@sink.test\r
Subject: Undelivered\r
Content-Type: multipart/report; report-type=delivery-status; boundary=b\r
\r
--b\r
Content-Type: message/delivery-status\r
\r
Reporting-MTA: dns; sink.test\r
\r
Final-Recipient: rfc822; %s\r
Action: failed\r
\r
--b--\r
"""


class Bouncing(Mailboxes):
    """It mails the people in the header too, and one of them does not exist."""

    def record(self, transaction):
        super().record(transaction)
        other = re.search(rb"me\+ccc-canary-\w+@example\.org", transaction.content)
        self.put(REPORT % other[0], "me@example.org")


class Filing(Mailboxes):
    """It puts what comes to a plus-address into a folder of that name."""

    def record(self, transaction):
        super().record(transaction)
        other = re.search(rb"me\+(ccc-canary-\w+)@example\.org", transaction.content)
        self.put(transaction.content, "me@example.org", f".{other[1].decode()}")


class Suppressing(Mailboxes):
    """Its mail store keeps one of two copies: the one that should not be."""

    def people(self, transaction):
        return [re.search(rb"me\+ccc-canary-\w+@example\.org", transaction.content)[0].decode()]


class Losing(Mailboxes):
    def people(self, transaction):
        return ()


class Clock:
    """Time that passes by itself."""

    def __init__(self):
        self.time = 0.0

    def now(self):
        return self.time

    def sleep(self, seconds):
        self.time += seconds


@pytest.fixture
def fly(authority, dovecot):
    def fly(kind, **more):
        who = f"canary-{os.urandom(4).hex()}"
        me, token = Mailbox("me", "example.org", "Me"), os.urandom(4).hex()
        canary = Canary(me, other_address(me, token), token)
        store = Server("localhost", dovecot.imaps_port, security=Security.IMPLICIT, user=who)
        keys = Held(Password(who, dovecot.password))
        with (
            kind(dovecot.mail, who, **more) as server,
            connect(store, keys, Manner(str(authority.ca_file))) as session,
        ):
            watch = Watch(session, canary)
            send(canary, Submission(Server("localhost", server.port, security=Security.NONE)), NOW)
            (sent,) = server.transactions
            assert sent.forward_paths == ("me@example.org",)
            return watch.until(60, Clock())

    return fly


def test_a_server_that_heeds_the_envelope_delivers_one_copy(fly):
    assert fly(Mailboxes) == Seen(1, ())
    assert not Seen(1, ()).caught


def test_a_real_postfix_heeds_the_envelope(authority, dovecot):
    with running_postfix(authority, dovecot) as postfix:
        who = everybodys(postfix.home / "mail" / "all", dovecot)
        store = Server("localhost", dovecot.imaps_port, security=Security.IMPLICIT, user=who)
        keys = Held(Password(who, dovecot.password))
        canary = Canary(Mailbox("me", "example.org"), Mailbox("me+ccc-canary-t", "example.org"), "t")
        with connect(store, keys, Manner(str(authority.ca_file))) as session:
            watch = Watch(session, canary)
            port = postfix.ports["plain"]
            send(canary, Submission(Server("localhost", port, security=Security.NONE)), NOW)
            postfix.settle()
            assert watch.until(60, Clock()) == Seen(1, ())


def everybodys(box, dovecot):
    """A user of Dovecot whose inbox is the folder to which Postfix delivers everything."""
    who = f"canary-{os.urandom(4).hex()}"
    for part in ("cur", "new", "tmp"):
        (box / part).mkdir(parents=True)
    for made in (box, *box.iterdir()):
        shutil.chown(made, NOBODY, NOBODY)
    (dovecot.mail / who).symlink_to(box)
    return who


@pytest.mark.parametrize("trace", [True, False])
def test_a_server_that_mails_the_people_in_the_header_is_caught(fly, trace):
    seen = fly(Careless, trace=trace)
    assert seen.caught
    assert seen.copies == 2
    assert bool(seen.proofs) == trace


def test_a_copy_for_the_other_address_is_found_behind_a_store_that_keeps_one_of_two(fly):
    seen = fly(Suppressing)
    assert seen.caught
    assert "(delivered-to)" in seen.words


def test_a_report_about_the_other_address_is_enough(fly):
    seen = fly(Bouncing)
    assert seen.caught
    assert seen.words.startswith("a report arrived about me+ccc-canary-")


def test_a_folder_that_was_made_for_the_other_address_is_enough(fly):
    assert fly(Filing).words.startswith("a copy arrived in the folder ccc-canary-")


def test_when_nothing_arrives_nothing_is_known(fly):
    with pytest.raises(TryLaterError, match="did not arrive within 60 seconds"):
        fly(Losing)


@pytest.mark.parametrize(("more", "merges"), [(b"", False), (b" X-GM-EXT-1", True)])
def test_a_mailbox_that_is_known_to_keep_one_of_two_copies_is_told_from_others(more, merges):
    mail = CANARY.octets(NOW)
    with HostileImap(mails={98: mail, 99: mail}, offered=OFFERED + more) as store:
        server = Server("127.0.0.1", store.port, security=Security.NONE, user="me")
        with connect(server, Held(Password("me", "x")), Manner(timeout=5)) as session:
            assert Watch(session, CANARY).until(1, Clock()).merges == merges


def test_where_copies_are_merged_a_single_one_proves_nothing():
    one = Seen(1, merges=True)
    assert not one.caught
    assert not one.cleared
    assert Seen(1).cleared
    assert not Seen(2).cleared
    assert Seen(1, ("a report arrived",), merges=True).caught


CANARY = Canary(Mailbox("me", "example.org"), Mailbox("me+x", "example.org"), "abc")


def test_the_mail_shows_both_addresses_and_asks_for_no_answer():
    header = read(HeldOctets(CANARY.octets(NOW)), "x").header
    assert [m.addr_spec for m in read_list(header.first("to").value)] == [
        "me@example.org",
        "me+x@example.org",
    ]
    assert header.first("auto-submitted").value.strip() == b"auto-generated"
    assert header.first("date").value.strip() == b"Sun, 22 Nov 2026 00:00:00 +0000"


def test_an_address_with_a_detail_gets_another_one():
    assert other_address(Mailbox("me+list", "example.org"), "t").local == "me+ccc-canary-t"


@pytest.mark.parametrize(
    ("reply", "kind"), [("550 5.1.1 no", RefusedError), ("451 4.3.0 later", TryLaterError)]
)
def test_a_canary_that_is_refused_says_why(reply, kind):
    with Sink(CHUNKING, verbs={"RCPT": reply}) as sink:
        route = Submission(Server("localhost", sink.port, security=Security.NONE))
        with pytest.raises(Exception, match="the canary was not sent") as caught:
            send(CANARY, route, NOW)
    assert caught.value.kind is kind.kind


def test_a_canary_that_could_not_log_in_says_why():
    with Sink(CHUNKING, mechanisms=("PLAIN",)) as sink:
        server = Server("localhost", sink.port, security=Security.NONE, user="user")
        with pytest.raises(Exception, match="the canary was not sent") as caught:
            send(CANARY, Submission(server, Held(Password("user", "wrong"))), NOW)
    assert caught.value.kind is NotPermitted.kind
