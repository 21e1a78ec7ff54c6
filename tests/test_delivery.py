"""What is delivered, and what becomes of it when nothing was said."""

import pytest

from ccc.address import Mailbox
from ccc.delivery import Dsn, given_up
from ccc.errors import LinkError, MessageError, RefusedError, UsageError
from ccc.receipt import State
from tests.smtp.play import to


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (LinkError("the network is down"), State.DEFERRED),
        (MessageError("it is no message"), State.REFUSED),
        (RefusedError("it goes in circles"), State.REFUSED),
    ],
)
def test_a_delivery_that_is_given_up_has_an_outcome_for_each_recipient(error, state):
    settled = given_up(to("x", "y"), error, "mx.test")
    assert [each.mailbox for each in settled.outcomes] == [Mailbox("x", "b.test"), Mailbox("y", "b.test")]
    assert {(each.state, each.kind, each.hop) for each in settled.outcomes} == {
        (state, error.kind, "mx.test")
    }


@pytest.mark.parametrize(
    "words",
    [((), "", ""), (("NEVER",), "HDRS", ""), (("SUCCESS", "FAILURE", "DELAY"), "FULL", "id+1=%")],
)
def test_reports_that_can_be_asked_for(words):
    assert (Dsn(*words).notify, Dsn(*words).ret, Dsn(*words).envid) == words


@pytest.mark.parametrize(
    "words",
    [
        (("NEVER", "DELAY"),),
        (("NEVER SMTPUTF8",),),
        (("success",),),
        ((), "SOME"),
        ((), "FULL\r\nRSET"),
        ((), "", "\u00fc"),
        ((), "", "x" * 101),
        ((), "", "a\r\nb"),
    ],
)
def test_reports_that_cannot_be_asked_for(words):
    with pytest.raises(UsageError, match="cannot be asked for"):
        Dsn(*words)
