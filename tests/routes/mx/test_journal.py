"""Mail hosts and the journal: what is deferred goes on with a fresh look-up, and nobody has it twice."""

from contextlib import closing

import pytest

from ccc import deliver, plan_redirect
from ccc.dispatch import deliver_again
from ccc.journal.retry import due
from tests.journal.sent import MAIL, ME, opened
from tests.journal.truth import phases
from tests.lab.sink import CHUNKING
from tests.routes.mx.lab import Hosts

BIG = MAIL + b"0123456789abcdef\r\n" * 40000


@pytest.fixture
def hosts():
    with Hosts() as made:
        yield made


def states(receipts) -> dict[str, str]:
    return {each.mailbox.local: each.state.value for receipt in receipts for each in receipt.outcomes}


def send(state_folder, way, *people, text=MAIL) -> dict[str, str]:
    with closing(opened(state_folder, create=True)) as journal:
        return states(deliver(plan_redirect(text, sender=ME, to=people), way, journal=journal))


def again(state_folder, way) -> dict[str, str]:
    with closing(opened(state_folder)) as journal:
        return states(deliver_again(due(journal, all_=True, resend=False), way, journal))


@pytest.mark.parametrize("text", [MAIL, BIG], ids=["small", "big"])
@pytest.mark.parametrize("offers", [(), CHUNKING], ids=["plain", "chunking"])
def test_what_is_deferred_is_tried_again_and_nothing_else(hosts, state_folder, offers, text):
    grey = hosts.sink(1, offers, rcpt={"x@b.test": ["451 4.7.1 greylisted", "250 ok"]})
    fine = hosts.sink(2, offers)
    hosts.domain("b.test", (10, 1))
    hosts.domain("c.test", (10, 2))
    hosts.domain("d.test", (10, 2))
    hosts.mood("d.test", "SERVFAIL")
    people = ("x@b.test", "y@c.test", "z@d.test", "u@gone.test")
    first = send(state_folder, hosts.route(), *people, text=text)
    assert first == {"x": "deferred", "y": "accepted", "z": "deferred", "u": "refused"}
    hosts.calm()
    assert again(state_folder, hosts.route()) == {"x": "accepted", "z": "accepted"}
    assert [each.forward_paths for each in (*grey.transactions, *fine.transactions)] == [
        ("x@b.test",),
        ("y@c.test",),
        ("z@d.test",),
    ]
    assert {each.content for each in fine.transactions} == {grey.transactions[0].content}


def test_what_is_in_doubt_is_held(hosts, state_folder):
    hosts.sink(1, verbs={".": ""})
    hosts.sink(2)
    hosts.domain("b.test", (10, 1), (20, 2))
    hosts.domain("c.test", (10, 2))
    assert send(state_folder, hosts.route(), "x@b.test", "y@c.test") == {"x": "in doubt", "y": "accepted"}
    assert again(state_folder, hosts.route()) == {}
    assert sorted(phases(state_folder).values()) == ["accepted", "in doubt"]


def test_many_messages_to_many_domains_are_all_recorded(hosts, state_folder):
    sinks = [hosts.sink(number, CHUNKING) for number in range(1, 5)]
    for number in range(1, 5):
        hosts.domain(f"d{number}.test", (10, number))
    texts = [MAIL.replace(b"<1@", b"<%d@" % number) for number in range(40)]
    people = [f"p{number}@d{number}.test" for number in range(1, 5)]
    with closing(opened(state_folder, create=True)) as journal:
        plans = (plan_redirect(text, sender=ME, to=people) for text in texts)
        receipts = list(deliver(plans, hosts.route(), journal=journal))
    assert len(receipts) == 40
    assert [receipt.exit_status for receipt in receipts] == [0] * 40
    assert [len(sink.transactions) for sink in sinks] == [40] * 4
    assert set(phases(state_folder).values()) == {"accepted"}
