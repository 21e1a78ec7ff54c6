"""What makes two deliveries one, and what comes through the database as it was: octets, addresses, wishes."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings

from ccc import deliver, plan_redirect
from ccc.address import Mailbox, parse_mailbox
from ccc.config import Config
from ccc.delivery import Dsn, Settled
from ccc.dispatch import deliver_again
from ccc.journal.journal import Terms
from ccc.journal.log import Log
from ccc.journal.retry import due
from ccc.receipt import Outcome, State
from ccc.routes.submission import Submission
from ccc.transport.server import Security, Server
from tests.address.lists import mailboxes
from tests.journal import desk
from tests.journal.desk import LARGE, MAIL, ME, Route, X, Y, Z, kept, on_disk, phases, redirect, send, states
from tests.lab.sink import EVERYTHING, Sink


@pytest.fixture
def state(state_folder: Path) -> Path:
    return state_folder


def to_whom(state: Path, *plans, **terms) -> list[list[str]]:
    """To whom each of these plans goes, one run after the other."""
    went = []
    for plan in plans:
        route = Route()
        send(state, plan, route, **terms)
        went.append(route.to)
    return went


# the same, and not the same


def test_the_same_message_to_another_recipient_is_another_delivery(state: Path):
    assert to_whom(state, redirect(X), redirect(Y), redirect(X, Y)) == [[X], [Y], []]


def test_resend_and_redirect_are_two_kinds(state: Path):
    assert to_whom(state, redirect(X), desk.resend(X), redirect(X), desk.resend(X)) == [[X], [X], [], []]


def test_two_mails_with_one_message_id_are_two(state: Path):
    other = MAIL.replace(b"Hello", b"Goodbye")
    assert to_whom(state, redirect(X), redirect(X, text=other), redirect(X, text=other)) == [[X], [X], []]


def test_a_copy_that_came_another_way_is_the_same_mail(state: Path):
    other = b"Received: from a.test by b.test; Tue, 17 Nov 2026 09:30:00 +0000\n" + MAIL.replace(
        b"\r\n", b"\n"
    )
    assert to_whom(state, redirect(X), redirect(X, text=other + b"\n\n")) == [[X], []]


def test_capitals_count_in_a_local_part_and_not_in_a_domain(state: Path):
    assert to_whom(state, redirect("Ann@b.test"), redirect("ann@b.test"), redirect("Ann@B.TEST")) == [
        ["Ann@b.test"],
        ["ann@b.test"],
        [],
    ]


def test_a_domain_is_the_same_in_unicode_and_in_ascii(state: Path):
    assert to_whom(state, redirect("a@bücher.test"), redirect("a@xn--bcher-kva.test"))[1] == []


def test_the_same_plan_twice_in_one_run_goes_out_once(state: Path):
    route = Route()
    receipts = send(state, [redirect(X), redirect(X)], route)
    assert (route.to, states(receipts)) == ([X], ["accepted"] * 2)


def test_what_is_forgotten_can_be_sent_again(state: Path):
    send(state, redirect(X))
    with desk.opened(state) as journal:
        (entry,) = Log(journal).entries()
        Log(journal).forget(entry)
    assert to_whom(state, redirect(X)) == [[X]]


def test_cleaning_up_keeps_the_keys(state: Path):
    send(state, redirect(X, Y, text=LARGE), Route({Y: "refused"}))
    with desk.opened(state) as journal:
        assert Log(journal).clean(journal.clock() + 1) == 1
    assert to_whom(state, redirect(X, Y, text=LARGE)) == [[]]


# the octets


@pytest.mark.parametrize("text", [MAIL, LARGE], ids=["small", "large"])
def test_the_octets_go_when_everybody_is_settled_and_not_before(state: Path, text: bytes):
    send(state, redirect(X, Y, Z, text=text), Route({X: "deferred", Y: "in doubt"}))
    assert kept(state) == 1
    send(state, redirect(X, Y, Z, text=text))
    assert (phases(state), kept(state)) == ({X: "accepted", Y: "in doubt", Z: "accepted"}, 1)
    send(state, redirect(X, Y, Z, text=text), resend=True)
    assert kept(state) == 0


def test_a_file_that_two_entries_share_goes_with_the_second(state: Path):
    never = {"resent": "never", "text": LARGE}
    send(state, redirect(X, **never), Route({X: "deferred"}))
    send(state, redirect(Y, **never), Route({Y: "deferred"}))
    assert len(on_disk(state)) == 2
    assert kept(state) == 1
    send(state, redirect(X, **never))
    assert kept(state) == 1
    route = Route()
    send(state, redirect(Y, **never), route)
    assert (route.octets, kept(state)) == ([LARGE], 0)


@pytest.mark.parametrize("text", [MAIL, LARGE], ids=["small", "large"])
def test_a_message_that_is_known_to_all_leaves_nothing_behind(state: Path, text: bytes):
    send(state, redirect(X, text=text))
    send(state, redirect(X, text=text))
    assert (kept(state), list((state / "runs").iterdir())) == (0, [])


@pytest.mark.parametrize("text", [MAIL, LARGE], ids=["small", "large"])
def test_octets_that_are_gone_are_made_anew_by_the_same_command(state: Path, text: bytes):
    send(state, redirect(X, text=text), Route({X: "deferred"}))
    _lose_octets(state)
    assert to_whom(state, redirect(X, text=text)) == [[X]]
    assert (phases(state), kept(state)) == ({X: "accepted"}, 0)


def test_octets_that_are_gone_out_of_doubt_are_a_second_copy_all_the_same(state: Path):
    send(state, redirect(X), Route({X: "in doubt"}))
    _lose_octets(state)
    (receipt,) = send(state, redirect(X), resend=True)
    assert [(each.state.value, each.second) for each in receipt.outcomes] == [("accepted", True)]
    assert [phase for _, phase in on_disk(state)] == ["dropped", "accepted"]


def test_without_octets_a_retry_refuses_for_good(state: Path):
    send(state, redirect(X), Route({X: "deferred"}))
    _lose_octets(state)
    with desk.opened(state) as journal:
        (receipt,) = deliver_again(due(journal, all_=True, resend=False), Route(), journal)
    assert (states([receipt]), receipt.exit_status, phases(state)) == (["refused"], 65, {X: "refused"})


def test_a_damaged_copy_of_a_large_message_is_not_sent(state: Path):
    send(state, redirect(X, text=LARGE), Route({X: "deferred"}))
    (copy,) = (state / "spool").iterdir()
    copy.write_bytes(copy.read_bytes().replace(b"Hello", b"Hallo"))
    with desk.opened(state) as journal, Sink() as sink:
        (receipt,) = deliver_again(due(journal, all_=True, resend=False), submission(sink), journal)
        assert (states([receipt]), receipt.exit_status, sink.messages) == (["refused"], 65, 0)


@pytest.mark.parametrize("text", [MAIL, LARGE], ids=["small", "large"])
def test_a_message_that_changed_since_it_was_planned_is_not_entered(state: Path, tmp_path: Path, text: bytes):
    mail = tmp_path / "mail.eml"
    mail.write_bytes(text)
    plans = [plan_redirect(mail, sender=ME, to=X), redirect(Y)]
    mail.write_bytes(text[:-20])
    route = Route()
    receipts = send(state, plans, route)
    assert sorted((receipt.exit_status, receipt.source) for receipt in receipts) == [
        (0, "octets"),
        (65, str(mail)),
    ]
    assert (route.to, phases(state), kept(state)) == ([Y], {Y: "accepted"}, 0)


def _lose_octets(state: Path) -> None:
    with closing(sqlite3.connect(state / "journal.db", isolation_level=None)) as database:
        database.execute("DELETE FROM content")
    for file in (state / "spool").iterdir():
        file.unlink()


# what is kept of it


def test_a_subject_is_stored_only_when_that_is_asked_for(state: Path):
    send(state, redirect(X), config=Config(journal_subjects=True))
    send(state, redirect(Y))
    with desk.opened(state) as journal:
        assert [entry.subject for entry in Log(journal).entries()] == [None, "Minutes"]
    for file in state.glob("journal.db*"):
        file.unlink()
    send(state, redirect(X))
    assert not any(b"Minutes" in file.read_bytes() for file in state.glob("journal.db*"))


def test_a_file_name_that_is_no_text_is_kept(state: Path, tmp_path: Path):
    mail = os.fsencode(tmp_path) + b"/caf\xe9.eml"
    Path(os.fsdecode(mail)).write_bytes(MAIL)
    send(state, plan_redirect(os.fsdecode(mail), sender=ME, to=X))
    with desk.opened(state) as journal:
        (entry,) = Log(journal).entries()
    assert "caf" in entry.source


def test_the_way_it_went_is_kept_for_a_retry(state: Path):
    way = {"smtp": "smtp://mx.b.test", "timeout": 5.0}
    send(state, redirect(X), Route({X: "deferred"}), way=way)
    with desk.opened(state) as journal:
        (one,) = due(journal, all_=True, resend=False)
    assert one.way == way


def test_the_way_is_kept_although_an_earlier_entry_came_to_nothing(state: Path):
    way = {"smtp": "smtp://mx.b.test"}
    with desk.opened(state) as journal:
        prepared = journal.prepare(redirect(X))
        with pytest.raises(AttributeError):
            journal.enter([prepared, None], Terms(way))  # type: ignore[list-item]
        list(deliver(redirect(Y), Route({Y: "deferred"}), journal=journal, terms=Terms(way)))
        (one,) = due(journal, all_=True, resend=False)
    assert (one.way, phases(state)) == (way, {Y: "planned"})


# on the wire


def submission(sink: Sink) -> Submission:
    return Submission(Server("127.0.0.1", sink.port, security=Security.NONE))


def test_the_id_of_the_entry_goes_with_it_where_a_server_reports(state: Path):
    with Sink(EVERYTHING) as sink:
        (receipt,) = send(state, redirect(X), submission(sink))
    assert f" ENVID={receipt.outcomes[0].entry}".encode() in sink.transactions[0].mail_line


def test_a_server_that_does_not_report_hears_no_id(state: Path):
    with Sink() as sink:
        send(state, redirect(X), submission(sink))
    assert sink.transactions[0].mail_line == b"MAIL FROM:<me@a.test>"


def test_the_notifications_that_were_asked_for_are_asked_for_again(state: Path):
    dsn = Dsn(("FAILURE", "DELAY"), "HDRS", "mine")
    with Sink(EVERYTHING, rcpt={X: ["450 4.2.0 not now", "250 ok"]}) as sink, desk.opened(state) as journal:
        route = submission(sink)
        list(deliver(redirect(X), route, dsn=dsn, journal=journal))
        list(deliver_again(due(journal, all_=True, resend=False), route, journal))
        lines = [
            line for session in sink.sessions for line in session.commands if line[:4] in (b"MAIL", b"RCPT")
        ]
    assert len(lines) == 4
    assert lines[:2] == lines[2:]
    assert b"RET=HDRS" in lines[2]
    assert b"ENVID=mine" in lines[2]
    assert b"NOTIFY=FAILURE,DELAY" in lines[3]


def test_a_null_reverse_path_stays_null(state: Path):
    bounce = b"Return-Path: <>\r\n" + MAIL
    first, second = Route({X: "deferred"}), Route()
    send(state, redirect(X, text=bounce), first)
    send(state, redirect(X, text=bounce), second)
    assert [each.envelope.reverse_path for each in first.taken + second.taken] == [None, None]


ODD = [
    '"a b"@b.test',
    '"a\\"b\\\\c"@b.test',
    '"a@b"@b.test',
    "ünï@bücher.test",
    "用户@例え.jp",
    "x@[192.0.2.1]",
    "x@[IPv6:2001:db8::1]",
    "x+y=z@xn--bcher-kva.test",
]


@pytest.mark.parametrize("address", ODD)
def test_an_odd_address_comes_through_the_database(state: Path, address: str):
    _comes_through(state, parse_mailbox(address))


@settings(max_examples=25)
@given(mailbox=mailboxes, path=mailboxes)
def test_every_address_comes_through_the_database(mailbox: Mailbox, path: Mailbox):
    with TemporaryDirectory() as folder:
        _comes_through(Path(folder), mailbox, path)


def _comes_through(folder: Path, mailbox: Mailbox, path: Mailbox | None = None) -> None:
    plan = plan_redirect(MAIL, sender=ME, bcc=mailbox, envelope_from=path)
    first, second = Route({mailbox.addr_spec: "deferred"}), Route()
    send(folder, plan, first)
    send(folder, plan, second)
    before, after = first.taken[0].envelope, second.taken[0].envelope
    assert [each.addr_spec for each in after.forward_paths] == [mailbox.addr_spec]
    assert [each.key for each in after.forward_paths] == [each.key for each in before.forward_paths]
    assert (
        after.reverse_path.addr_spec == before.reverse_path.addr_spec == (path or parse_mailbox(ME)).addr_spec
    )
    with desk.opened(folder) as journal:
        (entry,) = Log(journal).entries()
        assert [record.mailbox.key for record in entry.records] == [mailbox.key]


# when ccc itself fails


class Broken(Route):
    """It accepts the first recipient of the first message, begins the second message, and falls over."""

    def deliver(self, deliveries, /, witness=None):
        first, second = iter(deliveries), None
        for delivery in first:
            paths = delivery.envelope.forward_paths
            witness.note(delivery, paths, desk.Stage.COMMITTING if second is None else desk.Stage.SENDING)
            witness.secure()
            if second is None:
                second = delivery
                yield (Settled(delivery, (Outcome(paths[0], State.ACCEPTED),)),)
            else:
                raise ZeroDivisionError


def test_a_bug_on_the_way_leaves_receipts_and_a_journal_that_tells_the_truth(state: Path):
    with desk.opened(state) as journal:
        receipts = deliver([redirect(X, Y), redirect(Z)], Broken(), journal=journal)
        assert states([next(receipts), next(receipts)]) == ["accepted", "in doubt", "in doubt"]
        with pytest.raises(ZeroDivisionError):
            next(receipts)
    with desk.opened(state):
        assert phases(state) == {X: "accepted", Y: "in doubt", Z: "deferred"}
