"""What a reply, or none, means for a recipient."""

import pytest

from ccc.address import Mailbox
from ccc.delivery import unanswered
from ccc.errors import Kind, LinkLost, MessageTooBig, NotPermitted, RefusedError, SourceChanged
from ccc.receipt import EXIT, State
from ccc.smtp.transaction import Transaction, judge
from tests.smtp.play import reply, to

X = Mailbox("x", "b.test")


@pytest.mark.parametrize(
    ("text", "kind", "status"),
    [
        ("550 5.1.1 no such user", Kind.REFUSED, 69),
        ("554 no", Kind.REFUSED, 69),
        ("530 5.7.0 log in", Kind.PERMISSION, 77),
        ("534 5.7.9 too weak", Kind.PERMISSION, 77),
        ("535 5.7.8 wrong", Kind.PERMISSION, 77),
        ("538 5.7.11 encrypt", Kind.PERMISSION, 77),
        ("521 5.3.2 no mail here", Kind.DOMAIN, 68),
        ("556 5.1.10 null MX", Kind.DOMAIN, 68),
        ("550 5.1.2 no such domain", Kind.DOMAIN, 68),
        ("550 5.1.10 null MX", Kind.DOMAIN, 68),
        ("552 5.3.4 too big", Kind.MESSAGE, 65),
        ("552 5.2.3 too big for the mailbox", Kind.MESSAGE, 65),
        ("552 5.2.2 full", Kind.REFUSED, 69),
    ],
)
def test_a_permanent_refusal_says_whose_fault_it_is(text, kind, status):
    outcome = judge(X, reply(text))
    assert (outcome.state, outcome.kind, EXIT[outcome.kind]) == (State.REFUSED, kind, status)


@pytest.mark.parametrize("text", ["400 x", "421 x", "450 4.1.2 x", "452 4.3.4 x", "454 4.7.0 x"])
def test_a_transient_refusal_is_for_later_whatever_its_codes(text):
    outcome = judge(X, reply(text))
    assert (outcome.state, outcome.kind) == (State.DEFERRED, Kind.TRY_LATER)


def test_an_acceptance_has_no_kind():
    outcome = judge(X, reply("250 2.0.0 queued"), "mx")
    assert (outcome.state, outcome.kind, outcome.hop) == (State.ACCEPTED, None, "mx")


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (LinkLost("lost"), State.DEFERRED),
        (NotPermitted("no login"), State.DEFERRED),
        (MessageTooBig(2, 1), State.REFUSED),
        (SourceChanged("changed"), State.REFUSED),
        (RefusedError("none"), State.REFUSED),
    ],
)
def test_without_a_reply_the_error_decides(error, state):
    assert unanswered(X, error).state is state
    assert unanswered(X, error, committed=True).state is State.IN_DOUBT


@pytest.mark.parametrize(("count", "parts"), [(1, [1]), (100, [100]), (101, [100, 1]), (250, [100, 100, 50])])
def test_no_transaction_has_more_recipients_than_any_server_must_take(count, parts):
    delivery = to(*(f"p{number}" for number in range(count)))
    made = list(Transaction.of(delivery, lmtp=False))
    assert [len(each.forward_paths) for each in made] == parts
    assert sum((each.forward_paths for each in made), ()) == delivery.envelope.forward_paths


def test_a_transaction_that_was_never_said_is_not_in_doubt():
    (it,) = Transaction.of(to("x"), lmtp=False)
    assert [outcome.state for outcome in it.outcomes(1 << 40)] == [State.DEFERRED]
