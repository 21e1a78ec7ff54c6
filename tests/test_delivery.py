"""What is delivered, and what becomes of it when nothing was said."""

import pytest

from ccc.address import Mailbox
from ccc.delivery import Dsn, given_up, watched
from ccc.errors import LinkError, MessageError, RefusedError, UsageError
from ccc.receipt import State
from tests.smtp.play import HELLO, Text, to


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


def test_who_watches_a_content_is_told_of_each_block_when_it_was_taken():
    told = []
    blocks = watched(Text(HELLO.octets, block=15), told.append).blocks()
    assert (next(blocks), told) == (b"Subject: hi\r\n\r\n", [])
    assert (next(blocks), told) == (b"Hello.\r\n", [15])
    assert (list(blocks), told) == ([], [15, 8])


@pytest.mark.parametrize("content", [HELLO, Text("Subject: \u00e9\r\n".encode(), utf8_header=True)])
def test_a_content_that_is_watched_is_the_same_content(content):
    seen = watched(content, [].append)
    assert (seen.size, seen.eight_bit, seen.utf8_header) == (
        content.size,
        content.eight_bit,
        content.utf8_header,
    )
    assert list(seen.blocks(b"\n")) == list(content.blocks(b"\n"))


def test_without_a_watch_it_is_the_content_itself():
    assert watched(HELLO, None) is HELLO
