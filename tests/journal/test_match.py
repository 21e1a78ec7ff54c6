"""Which entry and which recipient a delivery report is about."""

import pytest

from ccc import plan_resend
from ccc.journal.bounce import read_report
from ccc.journal.match import matches, note
from tests.journal.sent import MAIL, log, phases, report, send

OURS = b"From: me@a.test\r\nTo: bob@b.test\r\nSubject: x\r\nMessage-ID: <2@a.test>\r\n\r\nHello\r\n"
BACK = "Message-ID: <2@a.test>\n"


def found(state, octets):
    """The ID and the recipient that the report is about, or None."""
    with log(state) as kept:
        (match,) = matches(kept, read_report(octets))
    return match.record and (match.entry.name, match.record.mailbox.addr_spec)


@pytest.fixture
def state(state_folder):
    return state_folder


@pytest.fixture
def two(state):
    """A redirect to two people."""
    return send(state, "ann@b.test", "Bob+x@b.test")


def test_an_envelope_id_is_that_of_the_entry(state, two):
    octets = report("ann@b.test", envid=two.name, returned="")
    assert found(state, octets) == (two.name, "ann@b.test")


def test_the_topmost_resent_message_id_is_that_of_the_entry(state, two):
    again = send(state, "ann@b.test", text=MAIL.replace(b"Hello", b"Bye"))
    for entry in (two, again):
        names = f"Message-ID: <1@a.test>\nResent-Message-ID: {entry.resent_message_id}\n"
        assert found(state, report("ann@b.test", returned=names)) == (entry.name, "ann@b.test")


def test_the_original_recipient_counts_and_not_where_it_was_forwarded_to(state, two):
    octets = report("ann@b.test", original="Bob+2Bx@b.test", envid=two.name)
    assert found(state, octets) == (two.name, "Bob+x@b.test")


@pytest.mark.parametrize("original", ["bob+x@b.test", "BOB+X@B.TEST", "bob+2Bx@b.test", "Bob+x@b.test"])
def test_an_address_is_found_in_other_letters_and_decoded_or_not(state, two, original):
    octets = report("else@c.test", original=original, envid=two.name)
    assert found(state, octets) == (two.name, "Bob+x@b.test")


def test_an_address_that_looks_encoded_and_is_not_is_found(state):
    entry = send(state, "list+42@b.test", "ann@b.test")
    octets = report("else@c.test", original="list+42@b.test", envid=entry.name)
    assert found(state, octets) == (entry.name, "list+42@b.test")


def test_a_single_recipient_is_meant_whatever_name_the_report_has(state):
    entry = send(state, "ann@b.test")
    assert found(state, report("elsewhere@c.test", envid=entry.name)) == (entry.name, "ann@b.test")


def test_of_several_recipients_none_is_guessed(state, two):
    assert found(state, report("elsewhere@c.test", envid=two.name)) is None


def test_a_message_id_and_a_recipient_are_enough_for_a_resend(state):
    entry = send(state, "ann@b.test", text=OURS, plan=plan_resend)
    assert found(state, report("ann@b.test", returned=BACK)) == (entry.name, "ann@b.test")


def test_a_message_id_alone_is_not(state):
    send(state, "ann@b.test", text=OURS, plan=plan_resend)
    assert found(state, report("bob@b.test", returned=BACK)) is None


def test_of_two_entries_the_one_that_a_report_is_news_to_is_meant(state):
    entry = send(state, "ann@b.test", text=OURS, plan=plan_resend)
    send(state, "gone@b.test", "later@b.test", text=OURS, plan=plan_resend)
    newest = send(state, "ann@b.test", text=OURS.replace(b"Hello", b"Bye"), plan=plan_resend)
    assert found(state, report("ann@b.test", returned=BACK)) == (newest.name, "ann@b.test")
    with log(state) as kept:
        note(kept, next(matches(kept, read_report(report("ann@b.test", returned=BACK)))))
    assert found(state, report("ann@b.test", returned=BACK)) == (entry.name, "ann@b.test")


def test_a_redirect_is_not_taken_for_the_mail_that_it_passed_on(state, two):
    assert found(state, report("ann@b.test", returned="Message-ID: <1@a.test>\n")) is None


def test_somebody_elses_report_is_about_nobody(state, two):
    theirs = "Message-ID: <1@a.test>\nResent-Message-ID: <theirs@c.test>\n"
    for octets in (
        report("ann@b.test", envid="another"),
        report("ann@b.test", returned=theirs),
        report("ann@b.test", returned="Subject: no name\n"),
        report("no address", returned=BACK),
    ):
        assert found(state, octets) is None


def test_only_a_failure_is_noted(state, two):
    with log(state) as kept:
        for action in ("delayed", "delivered", "relayed", "expanded"):
            note(kept, next(matches(kept, read_report(report("ann@b.test", action=action, envid=two.name)))))
    assert set(phases(state, two.name).values()) == {"accepted"}


def test_a_failure_is_noted_with_its_reason(state, two):
    with log(state) as kept:
        note(kept, next(matches(kept, read_report(report("ann@b.test", envid=two.name)))))
        (bounced, other) = kept.find(two.name).records
    assert (bounced.phase.value, other.phase.value) == ("bounced", "accepted")
    assert bounced.reason == "5.2.2 550 mailbox full, says mx.b.test"
